import { isTreeSize } from "../core/tree.js";
import { AuditError, badInput } from "./errors.js";

/** A size or index that a client sent, and the argument that it came in. */
export interface NamedSize {
  readonly path: string;
  readonly value: number;
}

/**
 * Throws BAD_USER_INPUT unless the value can be the size of a tree with entries, and NOT_FOUND when the log, of
 * `newestSize` entries, has not grown that far.
 */
export function requireSize(size: NamedSize, log: string, newestSize: number): void {
  requireReachedSize(size, log, { from: 1, to: newestSize });
}

/** Like requireSize, but also allows 0, the size of the empty tree. */
export function requirePastSize(size: NamedSize, log: string, newestSize: number): void {
  requireReachedSize(size, log, { from: 0, to: newestSize });
}

interface Sizes {
  readonly from: 0 | 1;
  readonly to: number;
}

function requireReachedSize(size: NamedSize, log: string, { from, to: newestSize }: Sizes): void {
  requireTreeSize(size, from);
  const { value } = size;
  if (value <= newestSize) return;
  throw new AuditError("NOT_FOUND", `The log ${log} has ${newestSize} entries: it has no tree of size ${value} yet.`);
}

/** Throws BAD_USER_INPUT unless some log may have a tree of this size. */
export function requireTreeSize({ path, value }: NamedSize, from: 0 | 1): void {
  if (isTreeSize(value) && value >= from) return;
  throw badInput([{ path, expected: `a tree size from ${from} to 2^53 - 1`, got: String(value) }]);
}

/** Throws BAD_USER_INPUT naming every value that is not a leaf index, or not one below `treeSize`. */
export function requireLeafIndexes(leafIndexes: readonly number[], treeSize?: number): void {
  const expected = treeSize === undefined ? "a whole number from 0 to 2^53 - 1" : `a leaf index below ${treeSize}`;
  const problems = leafIndexes
    .filter((leafIndex) => !isTreeSize(leafIndex) || leafIndex >= (treeSize ?? Infinity))
    .map((leafIndex) => ({ path: "leafIndex", expected, got: String(leafIndex) }));
  if (problems.length > 0) throw badInput(problems);
}

/** Throws BAD_USER_INPUT when an older size is above a newer one. */
export function requireOrdered(fromSize: number, toSize: number): void {
  if (fromSize <= toSize) return;
  throw badInput([{ path: "fromSize", expected: `a size of at most ${toSize}`, got: String(fromSize) }]);
}
