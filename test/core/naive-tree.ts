import { createHash } from "node:crypto";
import type { FormatName } from "../../src/core/format.js";

/** RFC 9162 section 2.1 written down as it stands there, recursive and slow: what the real tree is compared with. */
export class NaiveTree {
  private readonly roots = new Map<string, Uint8Array>();

  constructor(
    private readonly format: FormatName,
    readonly leafHashes: readonly Uint8Array[],
  ) {}

  /** MTH, section 2.1.1, of `size` leaves from `start`; each range is computed once. */
  root(size: number, start = 0): Uint8Array {
    const key = `${start}+${size}`;
    const root = this.roots.get(key) ?? this.computeRoot(size, start);
    this.roots.set(key, root);
    return root;
  }

  /** PATH(m, D_n), section 2.1.3.1. */
  membershipPath(index: number, size: number, start = 0): readonly Uint8Array[] {
    if (size === 1) return [];
    const split = this.split(size);
    return index < split
      ? [...this.membershipPath(index, split, start), this.root(size - split, start + split)]
      : [...this.membershipPath(index - split, size - split, start + split), this.root(split, start)];
  }

  /** PROOF(m, D_n), section 2.1.4.1. */
  consistencyPath(from: number, to: number): readonly Uint8Array[] {
    return this.subProof(from, { start: 0, size: to }, true);
  }

  private subProof(from: number, tree: { start: number; size: number }, whole: boolean): readonly Uint8Array[] {
    const { start, size } = tree;
    if (from === size) return whole ? [] : [this.root(size, start)];
    const split = this.split(size);
    return from <= split
      ? [...this.subProof(from, { start, size: split }, whole), this.root(size - split, start + split)]
      : [...this.subProof(from - split, { start: start + split, size: size - split }, false), this.root(split, start)];
  }

  private computeRoot(size: number, start: number): Uint8Array {
    if (size === 0) return sha256();
    const [leaf] = this.leafHashes.slice(start, start + 1);
    if (size === 1 && leaf !== undefined) return leaf;
    const split = this.split(size);
    return this.node(this.root(split, start), this.root(size - split, start + split));
  }

  private node(left: Uint8Array, right: Uint8Array): Uint8Array {
    return this.format === "rfc6962" ? sha256(Uint8Array.of(1), left, right) : sha256(left, right);
  }

  private split(size: number): number {
    return 2 ** Math.floor(Math.log2(size - 1));
  }
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return Uint8Array.from(hash.digest());
}

/** Leaf hashes that differ: SHA-256 of their number. */
export function leaves(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, i) => sha256(Buffer.from(`leaf ${i}`)));
}
