import type { Logged } from "../audit/service.js";

/** The leaves, and the roots of receipts, that one request was shown: they need no second check. */
export class ShownLeaves {
  private readonly leaves = new Map<string, Set<number>>();
  private readonly roots = new Map<string, Set<number>>();

  addReceipt({ entries, root }: Logged): void {
    for (const { log, leafIndex } of entries) this.addLeaf(log, leafIndex);
    add(this.roots, root.log, root.treeSize);
  }

  addLeaf(log: string, leafIndex: number): void {
    add(this.leaves, log, leafIndex);
  }

  addLeaves(log: string, leafIndexes: readonly number[]): void {
    for (const leafIndex of leafIndexes) this.addLeaf(log, leafIndex);
  }

  /** False for an empty list: it shows nothing. */
  hasAll(log: string, leafIndexes: readonly number[]): boolean {
    const leaves = this.leaves.get(log);
    return leaves !== undefined && leafIndexes.length > 0 && leafIndexes.every((leafIndex) => leaves.has(leafIndex));
  }

  /** Whether a receipt had the root of this size; never for the newest root, whose size is not known beforehand. */
  hasRoot(log: string, treeSize: number | undefined): boolean {
    return treeSize !== undefined && (this.roots.get(log)?.has(treeSize) ?? false);
  }
}

function add(sets: Map<string, Set<number>>, log: string, member: number): void {
  const set = sets.get(log);
  if (set === undefined) sets.set(log, new Set([member]));
  else set.add(member);
}
