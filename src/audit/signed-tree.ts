import { equalBytes, HASH_BYTES } from "../core/bytes.js";
import { TreeEdge } from "../core/edge.js";
import type { LogFormat } from "../core/format.js";
import { TILE_WIDTH, type TileId } from "../core/tile.js";
import type { LeafRange } from "../core/tree.js";
import { AuditError } from "./errors.js";
import { rootConflict } from "./root-conflict.js";
import type { LogKey } from "./log-key.js";
import type { LogHead, LogStore } from "./store.js";

/** A log's tree at one size: its root, the log's signature over it, and the edge that the next batch grows at. */
export interface SignedTree {
  readonly edge: TreeEdge;
  readonly rootHash: Uint8Array;
  readonly checkpoint: string;
  readonly lastReceivedAt: string;
}

/** Where a log's tree is read from, and what it is checked with. */
export interface TreeSource {
  readonly log: string;
  readonly store: LogStore;
  readonly format: LogFormat;
  readonly key: LogKey;
}

/** Leaf hashes read at once while catching up: 2 MiB. */
const CHUNK_LEAVES = 65_536;

/**
 * The tree that a stored head stands for, with its right edge read back from leaf hashes and tiles.
 * Rejects LOG_CORRUPT unless the log signed the head, and what is stored leads to the signed root.
 */
export async function restoreTree(source: TreeSource, head: LogHead): Promise<SignedTree> {
  requireSigned(source, head);
  return treeOf(source, head, await restoreEdge(source, head.size));
}

/** The right edge of the tree of a size, read back from leaf hashes and tiles. Rejects LOG_CORRUPT where one is missing. */
export async function restoreEdge(source: TreeSource, size: number): Promise<TreeEdge> {
  const rows = [await leafRow(source, size), ...(await upperRows(source, size))];
  return TreeEdge.restore(source.format, size, rows);
}

/**
 * The tree of a newer head, grown from a tree that is known: what other gateways appended is hashed here again, so the
 * new root is proven to extend the old one. Rejects LOG_CORRUPT when it does not, and ROOT_CONFLICT when what is stored
 * is sound in itself, but another history: that of a backup, or of a replica that was behind.
 */
export async function extendTree(source: TreeSource, tree: SignedTree, head: LogHead): Promise<SignedTree> {
  requireSigned(source, head);
  if (head.size < tree.edge.size) {
    throw rootConflict(`The log ${source.log} has ${head.size} entries, and a signed root of size ${tree.edge.size}.`);
  }
  let edge = tree.edge;
  while (edge.size < head.size) {
    const end = Math.min(head.size, edge.size + CHUNK_LEAVES);
    edge = edge.append(hashesIn(await leafHashes(source, { start: edge.size, end }))).edge;
  }
  if (!equalBytes(edge.root(), head.rootHash)) await requireDamage(source, tree, head);
  return treeOf(source, head, edge);
}

/** Rejects ROOT_CONFLICT when a head that does not extend a known tree stands for a sound tree of its own. */
async function requireDamage(source: TreeSource, tree: SignedTree, head: LogHead): Promise<void> {
  await restoreTree(source, head);
  const sizes = `The signed root of size ${head.size} of the log ${source.log} does not extend that of size ${tree.edge.size}.`;
  throw rootConflict(sizes);
}

function treeOf(source: TreeSource, head: LogHead, edge: TreeEdge): SignedTree {
  const { rootHash, checkpoint, lastReceivedAt } = head;
  if (!equalBytes(edge.root(), rootHash)) {
    throw corrupt(source, `its stored hashes do not lead to the signed root of size ${head.size}`);
  }
  return { edge, rootHash, checkpoint, lastReceivedAt };
}

function requireSigned(source: TreeSource, head: LogHead): void {
  const opened = source.key.open(head.checkpoint);
  if (opened.kind === "rejected") {
    throw corrupt(source, `its head is not signed by this gateway's key as ${source.key.origin} (${opened.reason})`);
  }
  if (opened.treeSize !== head.size || !equalBytes(opened.rootHash, head.rootHash)) {
    throw corrupt(source, `its head says size ${head.size}, its checkpoint another size or root`);
  }
}

/** The leaves behind the last full tile. */
function leafRow(source: TreeSource, size: number): Promise<Uint8Array> {
  return leafHashes(source, { start: size - (size % TILE_WIDTH), end: size });
}

/** The rows of the incomplete tiles above the leaves: each of their nodes is the top of a full tile one level below. */
async function upperRows(source: TreeSource, size: number): Promise<readonly Uint8Array[]> {
  const levels: (readonly TileId[])[] = [];
  for (let level = 0; size >= TILE_WIDTH ** (level + 1); level++) levels.push(topTiles(size, level));
  const tiles = levels.length === 0 ? [] : await source.store.tiles(source.log, levels.flat());
  let next = 0;
  return levels.map((ids) => packTops(source, ids, tiles.slice(next, (next += ids.length))));
}

/** The full tiles of a level whose tops lie in the incomplete tile above. */
function topTiles(size: number, level: number): readonly TileId[] {
  const full = Math.floor(size / TILE_WIDTH ** (level + 1));
  const first = full - (full % TILE_WIDTH);
  return Array.from({ length: full - first }, (_, place) => ({ level, index: first + place }));
}

function packTops(source: TreeSource, ids: readonly TileId[], tiles: readonly (Uint8Array | undefined)[]): Uint8Array {
  const row = new Uint8Array(ids.length * HASH_BYTES);
  ids.forEach(({ level, index }, place) => {
    const top = tiles[place]?.slice(-HASH_BYTES);
    if (top?.length !== HASH_BYTES) throw corrupt(source, `tile ${level}/${index} is missing`);
    row.set(top, place * HASH_BYTES);
  });
  return row;
}

async function leafHashes(source: TreeSource, range: LeafRange): Promise<Uint8Array> {
  const packed = await source.store.leafHashes(source.log, range);
  if (packed.length === (range.end - range.start) * HASH_BYTES) return packed;
  throw corrupt(source, `leaf hashes between ${range.start} and ${range.end} are missing`);
}

function hashesIn(packed: Uint8Array): readonly Uint8Array[] {
  const count = packed.length / HASH_BYTES;
  return Array.from({ length: count }, (_, place) => packed.slice(place * HASH_BYTES, (place + 1) * HASH_BYTES));
}

function corrupt({ log }: TreeSource, reason: string): AuditError {
  return new AuditError("LOG_CORRUPT", `The log ${log} cannot be trusted: ${reason}.`);
}
