import type { LogFormat } from "../../core/format.js";
import { membershipRanges, type MembershipProof } from "../../core/proof.js";
import { foldSubtrees, perfectSubtrees, type LeafRange, type NodeId } from "../../core/tree.js";

/**
 * The right edge of a log's tree: the hashes of its perfect subtrees (RFC 9162 section 2.1.2), and all above the leaves that were added
 * last. So it says the root with further leaves, and proves those, without the leaves before them.
 */
export class Frontier {
  readonly root: Uint8Array;

  private constructor(
    private readonly format: LogFormat,
    readonly size: number,
    private readonly nodes: Nodes,
  ) {
    this.root = size === 0 ? format.emptyRoot : this.#fold({ start: 0, end: size });
  }

  /** From the proof of a tree's last leaf: beside it are the perfect subtrees before it. Undefined for another leaf. */
  static behind(
    format: LogFormat,
    { leafIndex, treeSize, leafHash, path }: Omit<MembershipProof, "rootHash">,
  ): Frontier | undefined {
    const subtrees = [...perfectSubtrees({ start: 0, end: leafIndex })].reverse();
    if (treeSize !== leafIndex + 1 || path.length !== subtrees.length) return undefined;
    const nodes = new Nodes();
    subtrees.forEach((node, place) => {
      nodes.set(node, path[place] ?? leafHash);
    });
    return new Frontier(format, leafIndex, nodes).with([leafHash]);
  }

  /** The frontier of the tree with more leaves. */
  with(leafHashes: readonly Uint8Array[]): Frontier {
    const nodes = new Nodes();
    for (const node of perfectSubtrees({ start: 0, end: this.size })) nodes.set(node, this.nodes.get(node));
    leafHashes.forEach((leafHash, place) => {
      let [node, hash] = [{ level: 0, index: this.size + place }, leafHash];
      nodes.set(node, hash);
      for (let left = leftOf(node); left !== undefined; left = leftOf(node)) {
        hash = this.format.nodeHash(nodes.get(left), hash);
        node = { level: node.level + 1, index: left.index / 2 };
        nodes.set(node, hash);
      }
    });
    return new Frontier(this.format, this.size + leafHashes.length, nodes);
  }

  /** The path of one of the leaves that were added last. Throws a RangeError for any other. */
  path(leafIndex: number): readonly Uint8Array[] {
    return membershipRanges(leafIndex, this.size).map((range) => this.#fold(range));
  }

  #fold(range: LeafRange): Uint8Array {
    return foldSubtrees(
      this.format,
      perfectSubtrees(range).map((node) => this.nodes.get(node)),
    );
  }
}

class Nodes {
  /** By level, then index. */
  readonly #levels: Map<number, Uint8Array>[] = [];

  set({ level, index }: NodeId, hash: Uint8Array): void {
    while (this.#levels.length <= level) this.#levels.push(new Map());
    this.#levels[level]?.set(index, hash);
  }

  get({ level, index }: NodeId): Uint8Array {
    const hash = this.#levels[level]?.get(index);
    if (hash === undefined) throw new RangeError(`the node ${level}/${index} is behind the frontier`);
    return hash;
  }
}

/** The left sibling of a right child. */
function leftOf({ level, index }: NodeId): NodeId | undefined {
  return index % 2 === 1 ? { level, index: index - 1 } : undefined;
}
