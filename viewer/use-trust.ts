import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { EntryVerdicts } from "../src/verify.js";
import type { Entry } from "./entry.js";
import type { KeptTrust, TrustMemory } from "./kept-trust.js";
import { useMount } from "./mount.js";
import { Checker, type History, type SignedTree } from "./trust.js";

export interface Trust {
  readonly checker: Checker | undefined;
  readonly history: History;
  /** Trusts a key that the user has from elsewhere. Throws a TypeError when it is none. */
  readonly trustKey: (key: string) => void;
  /** Forgets the key and the root, as if this were the first visit. */
  readonly forget: () => void;
}

const CHECKING: History = { kind: "checking" };
const NO_KEY: History = {
  kind: "unchecked",
  why: "The key to trust is no log's key: expected origin+key id+base64.",
};
/** While the log is followed, many trees come after each other: the newest of a while is checked. */
const PAUSE_MS = 500;

/** The key that this browser trusts for a log, and what the root that it remembers proves of the newest tree. */
export function useTrust(log: string, tree: SignedTree | undefined): Trust {
  const [given, setGiven] = useState(0);
  const [history, setHistory] = useState<History>(CHECKING);
  const { gateway, memory } = useMount();
  const key = tree?.publicKey;
  const checker = useMemo(
    () => (key === undefined ? undefined : checkerOf(log, key, memory)),
    [log, key, memory, given],
  );
  const last = useRef<Checker>(undefined);
  useEffect(() => {
    const isFirst = last.current !== checker;
    last.current = checker;
    if (isFirst) setHistory(CHECKING);
    if (tree === undefined) return;
    if (checker === undefined) {
      setHistory(NO_KEY);
      return;
    }
    let isCurrent = true;
    const timer = setTimeout(
      () => {
        void checker.history(tree, { log, gateway, memory }).then((found) => {
          if (isCurrent) setHistory(found);
        });
      },
      isFirst ? 0 : PAUSE_MS,
    );
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [checker, log, tree, gateway, memory]);
  const change = useCallback(
    (trust: KeptTrust | undefined) => {
      memory.keep(log, trust);
      setGiven((times) => times + 1);
    },
    [log, memory],
  );
  const trustKey = useCallback(
    (text: string) => {
      new Checker(text);
      change({ key: text, isGiven: true, tree: memory.kept(log)?.tree });
    },
    [log, memory, change],
  );
  const forget = useCallback(() => {
    change(undefined);
  }, [change]);
  return { checker, history, trustKey, forget };
}

/** The first key that a gateway names is trusted from then on, as long as the user gives no other. */
function checkerOf(log: string, publicKey: string, memory: TrustMemory): Checker | undefined {
  const { key } = memory.kept(log) ?? { key: publicKey };
  try {
    const checker = new Checker(key);
    if (memory.kept(log) === undefined) memory.keep(log, { key, isGiven: false, tree: undefined });
    return checker;
  } catch {
    return undefined;
  }
}

const verdicts = new WeakMap<Entry, { readonly by: Checker; readonly verdicts: EntryVerdicts | undefined }>();

/** The verdicts on an entry, computed after it is on the screen. Undefined until then. */
export function useVerdicts(entry: Entry | undefined, checker: Checker | undefined): EntryVerdicts | undefined {
  const known = entry && verdicts.get(entry);
  const [, setChecked] = useState<Entry>();
  const isKnown = known !== undefined && known.by === checker;
  useEffect(() => {
    if (entry === undefined || checker === undefined || isKnown) return;
    const timer = setTimeout(() => {
      verdicts.set(entry, { by: checker, verdicts: checker.check(entry) });
      setChecked(entry);
    });
    return () => {
      clearTimeout(timer);
    };
  }, [entry, checker, isKnown]);
  return isKnown ? known.verdicts : undefined;
}
