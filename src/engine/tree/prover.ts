import { LRUCache } from "lru-cache";
import { AuditError } from "../../audit/errors.js";
import type { MembershipRequest } from "../../audit/proofs.js";
import type { AppendBatch } from "../../audit/store.js";
import { digestOf, equalBytes } from "../../core/bytes.js";
import {
  consistencyRanges,
  consistencyVerdict,
  membershipRanges,
  membershipVerdict,
  subtreePathsVerdict,
  subtreeRanges,
  type ConsistencyProof,
  type MembershipProof,
} from "../../core/proof.js";
import { multiproofRanges, multiproofRoot } from "../../core/segment/multiproof.js";
import type { LeafRange, TreeEdge } from "../../core/tree.js";
import { invalid, VALID, type Verdict } from "../../core/verdict.js";
import { TimeBounds, type AskedTimes } from "./bound-times.js";
import { BoundLeaves, EntryReader } from "./entries.js";
import type { SignedTree, TreeSource, TreeView } from "./signed-tree.js";
import { AppendedEntries } from "./stamped-entry.js";
import { TileReader } from "./tile-reader.js";

/** How many roots of earlier sizes are remembered as proven. */
const MAX_PROVEN_ROOTS = 4_096;

/**
 * Makes proofs and verifies each before returning it. A root is trusted once it is proven to be a prefix of a tree of
 * this process; those trees extend each other, so it is then a prefix of all later ones.
 * Every method rejects with LOG_CORRUPT when what is stored does not lead to the signed root.
 */
export class Prover {
  readonly #proven = new LRUCache<number, Uint8Array>({ max: MAX_PROVEN_ROOTS });

  constructor(
    private readonly source: Pick<TreeSource, "log" | "format">,
    private readonly tiles: TileReader,
  ) {}

  /** The root hash at a size from 0 to the tree's. */
  async rootHash(tree: SignedTree, treeSize: number): Promise<Uint8Array> {
    if (treeSize === 0) return this.source.format.emptyRoot;
    return this.#proven.get(treeSize) ?? (await this.#proveRoot(tree, treeSize));
  }

  /** Membership proofs in the order asked, in one read. For each, 0 <= leafIndex < treeSize <= the tree's size. */
  async membership(
    tree: SignedTree,
    treeSize: number,
    leafIndexes: readonly number[],
  ): Promise<readonly MembershipProof[]> {
    const wanted = leafIndexes.map((leafIndex) => [leafOf(leafIndex), ...membershipRanges(leafIndex, treeSize)]);
    const proven = this.#proven.get(treeSize);
    const rootRanges = proven === undefined ? rootProofRanges(treeSize, tree.edge.size) : [];
    return this.#checked(tree, [...rootRanges, ...wanted.flat()], (hashes) => {
      const rootHash = proven ?? this.#believe(tree, treeSize, hashes.slice(0, rootRanges.length));
      let next = rootRanges.length;
      return leafIndexes.map((leafIndex, place) => {
        const end = next + (wanted[place]?.length ?? 0);
        const [leafHash = rootHash, ...path] = hashes.slice(next, end);
        next = end;
        return this.#checkedMembership({ leafIndex, treeSize, leafHash, rootHash, path });
      });
    });
  }

  /** The hashes that lead from several leaves, rising, to the root of a size (`multiproofRanges`), read in one go. */
  async multiproof(tree: SignedTree, treeSize: number, leaves: readonly number[]): Promise<readonly Uint8Array[]> {
    const rootHash = await this.rootHash(tree, treeSize);
    return this.#checked(tree, [...leaves.map(leafOf), ...multiproofRanges(leaves, treeSize)], (hashes) => {
      const path = hashes.slice(leaves.length);
      const shown = leaves.map((index, place) => ({ index, hash: hashes[place] ?? rootHash }));
      const found = multiproofRoot(this.source.format, { size: treeSize, leaves: shown }, path);
      this.#require(found && equalBytes(found, rootHash) ? VALID : invalid("ROOT_MISMATCH"), treeSize);
      return path;
    });
  }

  /** 1 <= fromSize <= toSize <= the tree's size. */
  async consistency(tree: SignedTree, fromSize: number, toSize: number): Promise<ConsistencyProof> {
    const [fromHash, toHash] = [await this.rootHash(tree, fromSize), await this.rootHash(tree, toSize)];
    const pathRanges = consistencyRanges(fromSize, toSize);
    const items = subtreeRanges(fromSize, toSize);
    const itemRanges = items.flatMap((item) => [item.subtree, ...item.path]);
    return this.#checked(tree, [...pathRanges, ...itemRanges], (hashes) => {
      let next = pathRanges.length;
      const subtreePaths = items.map(({ subtree: { start, end }, path: { length } }) => {
        const [hash = fromHash, ...path] = hashes.slice(next, (next += 1 + length));
        return { start, size: end - start, hash, path };
      });
      const path = hashes.slice(0, pathRanges.length);
      return this.#checkedConsistency({ fromSize, toSize, fromHash, toHash, path, subtreePaths });
    });
  }

  #proveRoot(tree: SignedTree, treeSize: number): Promise<Uint8Array> {
    const ranges = rootProofRanges(treeSize, tree.edge.size);
    return this.#checked(tree, ranges, (hashes) => this.#believe(tree, treeSize, hashes));
  }

  /** Runs a check on the hashes of ranges. If it fails, names a damaged tile among them, if there is one. */
  async #checked<T>(
    { edge }: SignedTree,
    ranges: readonly LeafRange[],
    check: (hashes: readonly Uint8Array[]) => T,
  ): Promise<T> {
    const hashes = await this.tiles.hashes(edge, ranges);
    try {
      return check(hashes);
    } catch (error) {
      await this.tiles.doubt(edge, ranges);
      throw error;
    }
  }

  /** Trusts a root once it is proven a prefix of the signed tree. `hashes` are those of rootProofRanges. */
  #believe(tree: SignedTree, treeSize: number, [root, ...path]: readonly Uint8Array[]): Uint8Array {
    const fromHash = root ?? tree.rootHash;
    const sizes = { fromSize: treeSize, toSize: tree.edge.size };
    this.#require(
      consistencyVerdict(this.source.format, { ...sizes, fromHash, toHash: tree.rootHash, path }),
      treeSize,
    );
    this.#proven.set(treeSize, fromHash);
    return fromHash;
  }

  #checkedMembership(proof: MembershipProof): MembershipProof {
    this.#require(membershipVerdict(this.source.format, proof), proof.treeSize);
    return proof;
  }

  #checkedConsistency(proof: ConsistencyProof): ConsistencyProof {
    this.#require(consistencyVerdict(this.source.format, proof), proof.toSize);
    this.#require(subtreePathsVerdict(this.source.format, proof), proof.toSize);
    return proof;
  }

  #require(verdict: Verdict, treeSize: number): void {
    if (verdict.kind === "VALID") return;
    const message = `The log ${this.source.log} is damaged: its stored hashes do not lead to its root of size ${treeSize}`;
    throw new AuditError("LOG_CORRUPT", `${message} (${verdict.reason}).`);
  }
}

function leafOf(leafIndex: number): LeafRange {
  return { start: leafIndex, end: leafIndex + 1 };
}

/** The old tree as a whole, and the path that proves it to be a prefix. */
function rootProofRanges(treeSize: number, newestSize: number): readonly LeafRange[] {
  return [{ start: 0, end: treeSize }, ...consistencyRanges(treeSize, newestSize)];
}

/** Everything that reads and proves a log. It keeps what it has proven, for trees that extend each other. */
export class TreeReaders {
  #tiles: TileReader;
  #leaves: BoundLeaves;
  readonly #appended: AppendedEntries;
  #entries: EntryReader;
  #prover: Prover;
  #times = new TimeBounds();

  constructor(private readonly source: TreeView) {
    this.#tiles = new TileReader(source);
    this.#leaves = new BoundLeaves(source, this.#tiles);
    this.#appended = new AppendedEntries(source);
    this.#entries = new EntryReader(source, this.#leaves, this.#appended);
    this.#prover = new Prover(source, this.#tiles);
  }

  get entries(): EntryReader {
    return this.#entries;
  }

  get prover(): Prover {
    return this.#prover;
  }

  /** Keeps what this process appended: the tiles that it filled, and the entries. */
  keep({ tiles, expectedSize, entries }: AppendBatch): void {
    for (const tile of tiles) this.#tiles.keep(tile);
    this.#appended.add(expectedSize, entries);
  }

  /** Forgets everything proven for earlier trees, which later ones need not extend. */
  startAnew(): void {
    this.#tiles = new TileReader(this.source);
    this.#leaves = new BoundLeaves(this.source, this.#tiles);
    this.#appended.clear();
    this.#entries = new EntryReader(this.source, this.#leaves, this.#appended);
    this.#prover = new Prover(this.source, this.#tiles);
    this.#times = new TimeBounds();
  }

  /**
   * Whether each hash is the leaf at its index in the tree of a size: that tree is proven to be a prefix of this one, and so its
   * leaves are this one's. A leaf that nothing leads to is proven by itself, which rejects and says what is damaged.
   */
  async membershipVerdicts(
    tree: SignedTree,
    { treeSize, leafIndexes, hashes }: Omit<MembershipRequest, "log">,
  ): Promise<readonly Verdict[]> {
    await this.#prover.rootHash(tree, treeSize);
    const leaves = await this.#leaves.at(tree.edge, leafIndexes);
    const unproven = leafIndexes.filter((_, place) => leaves[place] === undefined);
    const proofs = unproven.length === 0 ? [] : await this.#prover.membership(tree, treeSize, unproven);
    const proven = new Map(proofs.map(({ leafIndex, leafHash }) => [leafIndex, leafHash]));
    return leafIndexes.map((leafIndex, place) => {
      const leaf = leaves[place] ?? proven.get(leafIndex);
      return leaf !== undefined && digestOf(leaf) === hashes[place] ? VALID : invalid("HASH_MISMATCH");
    });
  }

  /** Resolves and rejects as TimeBounds.firstAtOrAfter; `size` is at most the edge's. */
  firstAtOrAfter(asked: AskedTimes, edge: TreeEdge): Promise<readonly number[]> {
    return this.#times.firstAtOrAfter(asked, (leafIndexes) => this.receivedAt(leafIndexes, edge));
  }

  /** When entries of a tree were received, read in one go. Rejects ENTRY_CORRUPT when one was changed. */
  async receivedAt(leafIndexes: readonly number[], edge: TreeEdge): Promise<readonly string[]> {
    const outcomes = await this.#entries.read(leafIndexes, edge);
    return leafIndexes.map((leafIndex, place) => {
      const outcome = outcomes[place];
      if (outcome?.kind === "entry") return outcome.entry.envelope.received_at;
      const message = `Entry ${leafIndex} of the log ${this.source.log}, whose time is needed here, was changed.`;
      throw new AuditError("ENTRY_CORRUPT", message);
    });
  }
}
