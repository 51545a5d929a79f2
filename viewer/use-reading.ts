import { useMemo } from "react";
import type { SignedTree } from "./trust.js";
import { useLive, type Live } from "./use-live.js";
import { useResult, type Result } from "./use-result.js";
import { useTrust, type Trust } from "./use-trust.js";
import { valuesSeen, type ValuesSeen } from "./values-seen.js";
import type { View } from "./view.js";

/** What is read of a log. */
export interface Reading {
  readonly result: Result;
  readonly live: Live;
  readonly trust: Trust;
  readonly seen: ValuesSeen;
}

/** Reads what a view asks for, and checks it. */
export function useReading(view: View): Reading {
  const result = useResult(view);
  const { found, searchAgain } = result;
  const live = useLive({ log: view.log, query: view.query, from: found?.tree.treeSize, searchAgain });
  const trust = useTrust(view.log, useNewestTree(found?.tree, live));
  const seen = useMemo(() => valuesSeen(found), [found]);
  return { result, live, trust, seen };
}

/** The tree of the last entry that was logged while the log is followed, else that of the result. */
function useNewestTree(tree: SignedTree | undefined, { shown: [newest] }: Live): SignedTree | undefined {
  return useMemo(() => {
    const { proof, checkpoint } = newest ?? {};
    if (tree === undefined || proof === undefined || checkpoint === undefined) return tree;
    return { ...tree, treeSize: proof.treeSize, hash: proof.rootHash, checkpoint };
  }, [tree, newest]);
}
