import { useCallback, useEffect, useRef, useState } from "react";
import { readEntry, type Entry } from "./entry.js";
import { failureOf, type Failure } from "./failure.js";
import { useMount, type Mount } from "./mount.js";

export interface Live {
  readonly state: "off" | "on" | "paused";
  /** Newest first, above the result that was found before. */
  readonly shown: readonly Entry[];
  /** How many came while paused. */
  readonly waiting: number;
  /** As many are kept as may be: the result is searched again, once it is not paused. */
  readonly isFull: boolean;
  readonly failure: Failure | undefined;
  readonly set: (state: Live["state"]) => void;
}

export interface Followed {
  readonly log: string;
  readonly query: string;
  /** The first entry that the result does not hold; undefined while there is none to continue. */
  readonly from: number | undefined;
  /** Gives another result, which goes to the end of the log. */
  readonly searchAgain: () => void;
}

const PAUSE_MS = 2_000;
/** What is kept above a result: a page may be open for weeks. */
const MOST_ENTRIES = 1_000;
const MOST_CHARACTERS = 2 ** 23;

/** Follows the log behind a result, over as many connections as it takes, without gap or repeat. */
export function useLive({ log, query, from, searchAgain }: Followed): Live {
  const [state, set] = useState<Live["state"]>("off");
  const [entries, setEntries] = useState<readonly Entry[]>([]);
  const [heldBack, setHeldBack] = useState(0);
  const [isFull, setFull] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const mount = useMount();
  const isPaused = useRef(false);
  isPaused.current = state === "paused";
  const isFollowing = state !== "off";

  useEffect(() => {
    setEntries([]);
    setHeldBack(0);
    setFull(false);
    setFailure(undefined);
    if (!isFollowing || from === undefined) return;
    const stop = new AbortController();
    let [count, characters] = [0, 0];
    const take = (entry: Entry): void => {
      setEntries((before) => [entry, ...before]);
      if (isPaused.current) setHeldBack((before) => before + 1);
      count += 1;
      characters += entry.canonical.length;
      if (count < MOST_ENTRIES && characters < MOST_CHARACTERS) return;
      stop.abort();
      setFull(true);
    };
    void followOn({ log, query, from }, { mount, signal: stop.signal, take, tell: setFailure });
    return () => {
      stop.abort();
    };
  }, [mount, isFollowing, log, query, from]);
  useEffect(() => {
    if (isFull && state === "on") searchAgain();
  }, [isFull, state, searchAgain]);

  const change = useCallback((next: Live["state"]) => {
    if (next !== "paused") setHeldBack(0);
    set(next);
  }, []);
  return { state, shown: entries.slice(heldBack), waiting: heldBack, isFull, failure, set: change };
}

interface Reader {
  readonly mount: Mount;
  readonly signal: AbortSignal;
  readonly take: (entry: Entry) => void;
  readonly tell: (failure: Failure | undefined) => void;
}

/** Resumes behind the last entry seen, as docs/live-tail.md says. Ends when aborted, or when the gateway wants a credential. */
async function followOn(followed: Omit<Followed, "searchAgain">, { mount, signal, take, tell }: Reader): Promise<void> {
  let { from } = followed;
  const { gateway, restriction } = mount;
  const isStopped = (): boolean => signal.aborted;
  while (!isStopped()) {
    try {
      const { log } = followed;
      const query = restriction?.narrow(followed.query) ?? followed.query;
      for await (const entry of gateway.follow({ query, log: log || null, from: from ?? null }, signal)) {
        const { membershipProof: proof } = entry;
        take(readEntry(entry, { proof, checkpoint: proof.root.checkpoint }));
        tell(undefined);
        from = entry.leafIndex + 1;
        if (isStopped()) return;
      }
    } catch (error) {
      if (isStopped()) return;
      const failure = failureOf(error);
      tell(failure);
      if (failure.kind !== "other") return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
