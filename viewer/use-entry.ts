import { useEffect, useState } from "react";
import { ask } from "./api.js";
import { readEntry, type Entry } from "./entry.js";
import { failureOf, type Failure } from "./failure.js";
import { OneEntryDocument } from "./generated/operations.js";

export interface OneEntry {
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
  ...{ entry: undefined, before: undefined, after: undefined },
  ...{ isLoading: true, failure: undefined },
};

/** Fetches one entry with its proof. What was fetched last stays until the next is there. */
export function useEntry({ log, leafIndex, treeSize }: Wanted): OneEntry {
  const [one, setOne] = useState(NOTHING);
  useEffect(() => {
    let isCurrent = true;
    setOne((last) => ({ ...last, isLoading: true }));
    const show = (next: OneEntry): void => {
      if (isCurrent) setOne(next);
    };
    fetchEntry({ log, leafIndex, treeSize }).then(show, (error: unknown) => {
      show({ ...NOTHING, isLoading: false, failure: failureOf(error) });
    });
    return () => {
      isCurrent = false;
    };
  }, [log, leafIndex, treeSize]);
  return one;
}

async function fetchEntry({ log, leafIndex, treeSize }: Wanted): Promise<OneEntry> {
  const hasBefore = leafIndex > 0;
  const places = { leafIndex, before: Math.max(0, leafIndex - 1), after: leafIndex + 1, hasBefore };
  const proven = treeSize !== undefined && leafIndex < treeSize ? treeSize : null;
  const { entry, before, after } = await ask(OneEntryDocument, { log: log || null, ...places, treeSize: proven });
  const proof = entry?.membershipProof;
  return {
    entry: entry ? readEntry(entry, { proof, checkpoint: proof?.root.checkpoint }) : undefined,
    before: before ? readEntry(before) : undefined,
    after: after ? readEntry(after) : undefined,
    ...{ isLoading: false, failure: undefined },
  };
}
