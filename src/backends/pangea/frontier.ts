import type { LogFormat } from "../../core/format.js";
import { membershipRanges, type MembershipProof } from "../../core/proof.js";
import { foldSubtrees, perfectSubtrees, type LeafRange, type NodeId } from "../../core/tree.js";

/**
 * The right edge of a log's tree: the hashes of its perfect subtrees (RFC 9162 section 2.1.2), and all above the leaves that were added
 * last. So it says the root with further leaves, and proves those, without the leaves before them.
 */
export class Frontier {
  private constructor(
    private readonly format: LogFormat,
    readonly size: number,
    private readonly nodes: ReadonlyMap<string, Uint8Array>,
  ) {}

  /** From the proof of a tree's last leaf: beside it are the perfect subtrees before it. Undefined for another leaf. */
  static behind(
    format: LogFormat,
    { leafIndex, treeSize, leafHash, path }: Omit<MembershipProof, "rootHash">,
  ): Frontier | undefined {
    const subtrees = [...perfectSubtrees({ start: 0, end: leafIndex })].reverse();
    if (treeSize !== leafIndex + 1 || path.length !== subtrees.length) return undefined;
    const nodes = subtrees.map((node, place) => [keyOf(node), path[place] ?? leafHash] as const);
    return new Frontier(format, leafIndex, new Map(nodes)).with([leafHash]);
  }

  /** The frontier of the tree with more leaves. */
  with(leafHashes: readonly Uint8Array[]): Frontier {
    const nodes = new Map(
      perfectSubtrees({ start: 0, end: this.size }).map((node) => [keyOf(node), this.#hash(node)] as const),
    );
    leafHashes.forEach((leafHash, place) => {
      let [node, hash] = [{ level: 0, index: this.size + place }, leafHash];
      nodes.set(keyOf(node), hash);
      for (let left = leftOf(node); left !== undefined; left = leftOf(node)) {
        hash = this.format.nodeHash(nodes.get(keyOf(left)) ?? this.#hash(left), hash);
        node = { level: node.level + 1, index: left.index / 2 };
        nodes.set(keyOf(node), hash);
      }
    });
    return new Frontier(this.format, this.size + leafHashes.length, nodes);
  }

  get root(): Uint8Array {
    return this.size === 0 ? this.format.emptyRoot : this.#fold({ start: 0, end: this.size });
  }

  /** The path of one of the leaves that were added last. Throws a RangeError for any other. */
  path(leafIndex: number): readonly Uint8Array[] {
    return membershipRanges(leafIndex, this.size).map((range) => this.#fold(range));
  }

  #fold(range: LeafRange): Uint8Array {
    return foldSubtrees(
      this.format,
      perfectSubtrees(range).map((node) => this.#hash(node)),
    );
  }

  #hash(node: NodeId): Uint8Array {
    const hash = this.nodes.get(keyOf(node));
    if (hash === undefined) throw new RangeError(`the node ${keyOf(node)} is behind the frontier`);
    return hash;
  }
}

/** The left sibling of a right child. */
function leftOf({ level, index }: NodeId): NodeId | undefined {
  return index % 2 === 1 ? { level, index: index - 1 } : undefined;
}

function keyOf({ level, index }: NodeId): string {
  return `${level}/${index}`;
}
