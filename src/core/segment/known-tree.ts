import type { LogFormat } from "../format.js";
import { membershipRanges } from "../proof.js";
import { foldSubtrees, splitPoint, type LeafRange } from "../tree.js";
import type { TreeHashes } from "./hash-tree.js";
import { multiproofRanges, type ProvenLeaf } from "./multiproof.js";
import type { ProvenLeaves } from "./proof-document.js";
import type { Provable } from "./prove.js";

/** Leaves of a tree by their hashes, and the hashes that lead from exactly these to its root (`multiproofRanges`). */
export interface KnownLeaves {
  readonly size: number;
  /** In ascending order. */
  readonly leaves: readonly ProvenLeaf[];
  readonly hashes: readonly Uint8Array[];
}

/**
 * A tree of which some leaves are known: enough to show any of these. Only for leaves that were found to be in the tree: of
 * others it makes nothing that anyone believes.
 */
export class KnownTree implements Provable {
  readonly size: number;
  readonly hashes: TreeHashes = { hash: (range) => this.#hash(range) };
  readonly #leaves: ReadonlyMap<number, Uint8Array>;
  readonly #subtrees: ReadonlyMap<string, Uint8Array>;

  /** `texts`: the bytes of those leaves that are to be shown. */
  constructor(
    private readonly format: LogFormat,
    { size, leaves, hashes }: KnownLeaves,
    private readonly texts: ReadonlyMap<number, Uint8Array>,
  ) {
    this.size = size;
    this.#leaves = new Map(leaves.map(({ index, hash }) => [index, hash]));
    const ranges = leaves.length === 0 ? [] : multiproofRanges([...this.#leaves.keys()], size);
    this.#subtrees = new Map(ranges.map((range, place) => [nameOf(range), known(hashes[place])]));
  }

  static of(format: LogFormat, size: number, { leaves, hashes }: ProvenLeaves): KnownTree {
    const hashed = leaves.map(({ index, bytes }) => ({ index, hash: format.leafHash(bytes) }));
    return new KnownTree(
      format,
      { size, leaves: hashed, hashes },
      new Map(leaves.map(({ index, bytes }) => [index, bytes])),
    );
  }

  /** Throws a RangeError for a leaf whose bytes are not known. */
  leaf(index: number): Uint8Array {
    return known(this.texts.get(index));
  }

  #hash(range: LeafRange): Uint8Array {
    const subtree = this.#subtrees.get(nameOf(range));
    if (subtree !== undefined) return subtree;
    const { start, end } = range;
    if (end - start === 1) return known(this.#leaves.get(start));
    const middle = start + splitPoint(end - start);
    return this.format.nodeHash(this.#hash({ start, end: middle }), this.#hash({ start: middle, end }));
  }
}

function known(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new RangeError("a part of the tree that is not known");
  return bytes;
}

function nameOf({ start, end }: LeafRange): string {
  return `${start}-${end}`;
}

/**
 * The hashes that lead to the root from all leaves of a perfect subtree (`multiproofRanges`), out of the membership path of
 * its first leaf: what lies beyond the subtree. Undefined for a path of another length.
 */
export function hashesAround(
  { start, end }: LeafRange,
  size: number,
  path: readonly Uint8Array[],
): readonly Uint8Array[] | undefined {
  const ranges = membershipRanges(start, size);
  if (ranges.length !== path.length) return undefined;
  const beyond = ranges
    .map((range, place) => ({ range, hash: path[place] ?? new Uint8Array() }))
    .filter(({ range }) => range.end <= start || range.start >= end);
  return beyond.sort((a, b) => a.range.start - b.range.start).map(({ hash }) => hash);
}

/**
 * The root that a tree had when it ended before the first of these leaves, out of the hashes that lead from them to the root
 * of the larger tree: so they prove, too, that the larger one extends the smaller. Undefined where it had no leaf.
 */
export function rootBefore(format: LogFormat, size: number, { leaves, hashes }: ProvenLeaves): Uint8Array | undefined {
  const indexes = leaves.map(({ index }) => index);
  const [first] = indexes;
  if (first === undefined || first === 0) return undefined;
  const count = multiproofRanges(indexes, size).filter(({ end }) => end <= first).length;
  return foldSubtrees(format, hashes.slice(0, count));
}
