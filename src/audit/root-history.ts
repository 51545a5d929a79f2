import { equalBytes } from "../core/bytes.js";
import type { CachedRoot } from "./cache.js";
import type { Prover } from "./prover.js";
import { rootConflict } from "./root-conflict.js";
import type { SignedTree, TreeSource } from "./signed-tree.js";

/**
 * Rejects ROOT_CONFLICT when a root that gateways remember is not of the tree's history. The root must have been read
 * before the tree's head was: then the store cannot be behind it. What the log's key has not signed says nothing.
 */
export async function requireHistory(
  source: Pick<TreeSource, "log" | "key">,
  prover: Prover,
  { tree, remembered }: { readonly tree: SignedTree; readonly remembered: CachedRoot | undefined },
): Promise<void> {
  const opened = remembered && source.key.open(remembered.checkpoint);
  if (opened?.kind !== "opened" || opened.treeSize !== remembered?.treeSize || opened.treeSize === 0) return;
  const { treeSize, rootHash } = opened;
  if (treeSize > tree.edge.size) {
    throw rootConflict(`The log ${source.log} has ${tree.edge.size} entries, and a signed root of size ${treeSize}.`);
  }
  if (equalBytes(await prover.rootHash(tree, treeSize), rootHash)) return;
  throw rootConflict(`The log ${source.log} has two signed roots of size ${treeSize}.`);
}
