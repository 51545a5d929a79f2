import { useEffect, useState } from "react";
import { readEntry, type Entry } from "./entry.js";
import { failureOf, type Failure } from "./failure.js";
import { OneEntryDocument } from "./generated/operations.js";
import { useMount, type Mount } from "./mount.js";

export interface OneEntry {
  /** Which entry all of this is of: while the next one is fetched, still the last one. */
  readonly leafIndex: number | undefined;
  /** Undefined while it is fetched, and where there is none. */
  readonly entry: Entry | undefined;
  /** Its neighbours in the log, as far as the credential may see them. */
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
  readonly isLoading: boolean;
  readonly failure: Failure | undefined;
}

export interface Wanted {
  readonly log: string;
  readonly leafIndex: number;
  /** The tree to prove it in; undefined: the newest. */
  readonly treeSize: number | undefined;
}

const NOTHING: OneEntry = {
  ...{ leafIndex: undefined, entry: undefined, before: undefined, after: undefined },
  ...{ isLoading: true, failure: undefined },
};

/** Fetches one entry with its proof. What was fetched last stays until the next is there. */
export function useEntry({ log, leafIndex, treeSize }: Wanted): OneEntry {
  const mount = useMount();
  const [one, setOne] = useState(NOTHING);
  useEffect(() => {
    let isCurrent = true;
    setOne((last) => ({ ...last, isLoading: true }));
    const show = (next: OneEntry): void => {
      if (isCurrent) setOne(next);
    };
    fetchEntry({ log, leafIndex, treeSize }, mount).then(show, (error: unknown) => {
      show({ ...NOTHING, leafIndex, isLoading: false, failure: failureOf(error) });
    });
    return () => {
      isCurrent = false;
    };
  }, [mount, log, leafIndex, treeSize]);
  return one;
}

/** Without its neighbours where the view is restricted: they may be none that it shows. */
async function fetchEntry({ log, leafIndex, treeSize }: Wanted, { gateway, restriction }: Mount): Promise<OneEntry> {
  const hasAfter = restriction === undefined;
  const near = {
    before: Math.max(0, leafIndex - 1),
    hasBefore: hasAfter && leafIndex > 0,
    after: leafIndex + 1,
    hasAfter,
  };
  const proven = treeSize !== undefined && leafIndex < treeSize ? treeSize : null;
  const { data, damages } = await gateway.askForEntries(OneEntryDocument, {
    ...{ log: log || null, leafIndex, treeSize: proven },
    ...near,
  });
  const { entry, before, after } = data;
  const damage = damages.find(({ path }) => path === "entry");
  const proof = entry?.membershipProof;
  return {
    leafIndex,
    entry: entry ? readEntry(entry, { proof, checkpoint: proof?.root.checkpoint }) : undefined,
    before: before ? readEntry(before) : undefined,
    after: after ? readEntry(after) : undefined,
    isLoading: false,
    failure: damage && { kind: "damage", message: damage.message },
  };
}
