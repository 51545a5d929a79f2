import type { Alarm } from "../../audit/alarm.js";
import { AuditError, endsLog } from "../../audit/errors.js";
import type { LogHead, LogStore } from "../../audit/store.js";
import { equalBytes, HASH_BYTES } from "../../core/bytes.js";
import { TreeEdge, TILE_WIDTH, tileIsSound, type TileId, type LeafRange } from "../../core/tree.js";
import type { LogKey } from "../../keys/log-key.js";
import { BoundLeaves, remadeTile, textHashes, EntryReader } from "./entries.js";
import { TileReader, type TileSource } from "./tile-reader.js";

/** A log's tree at one size: its root, the log's signature, and the edge that the next batch extends. */
export interface SignedTree {
  readonly edge: TreeEdge;
  readonly rootHash: Uint8Array;
  readonly checkpoint: string;
  /** The last entry's, from the hashed text; for an empty log, its creation time from the head. */
  readonly lastReceivedAt: string;
  /** The last entry was changed: `lastReceivedAt` is from a genuine entry before it, and not later than its own. */
  readonly isLastChanged?: true;
}

/** Where a log's tree is read from, and what verifies it. */
export interface TreeView extends TileSource {
  readonly key: LogKey;
}

/** Where a log's tree is kept, and what verifies it. */
export interface TreeSource extends TreeView {
  readonly store: LogStore;
}

/** A log in one snapshot of its store. */
export function inSnapshot<Result>(source: TreeSource, look: (view: TreeView) => Promise<Result>): Promise<Result> {
  return source.store.snapshot((reads) => look({ ...source, store: reads }));
}

/** Leaf hashes read at once while catching up: 2 MiB. */
const CHUNK_LEAVES = 65_536;
/** How many of the last entries are tried: one of them must be genuine to tell when the log was last written. */
const DATING_ENTRIES = 64;
/** How many of the tiles above them. */
const FEW_TILES = 16;
const RETRY_AFTER_MS = 1_000;

/**
 * The tree of a stored head, with its right edge read back from leaf hashes and tiles, or rebuilt from the entries'
 * texts where those were changed: `onDamage` is then called with a description. Rejects with LOG_CORRUPT unless the log
 * signed the head and what is stored leads to the signed root.
 */
export async function restoreTree(
  source: TreeView,
  head: LogHead,
  onDamage: Alarm = () => undefined,
): Promise<SignedTree> {
  requireSigned(source, head);
  const edge = await soundEdge(source, head, onDamage);
  return treeOf(head, edge, edge.size === 0 ? head : await lastTime(source, edge, onDamage));
}

/**
 * The right edge of the tree of a signed root: from leaf hashes and tiles, or rebuilt when those do not lead to it.
 * Rejects with LOG_CORRUPT when nothing that is stored leads there.
 */
async function soundEdge(
  source: TreeView,
  { size, rootHash }: Pick<LogHead, "size" | "rootHash">,
  onDamage: Alarm = () => undefined,
): Promise<TreeEdge> {
  const leads = (edge: TreeEdge | undefined): edge is TreeEdge =>
    edge !== undefined && equalBytes(edge.root(), rootHash);
  const stored = await restoreEdge(source, size).catch(unlessCorrupt);
  if (leads(stored)) return stored;
  const remade = await remadeEdge(source, size).catch(unlessCorrupt);
  if (!leads(remade)) throw corrupt(source, `its stored hashes do not lead to the signed root of size ${size}`);
  onDamage(
    `Stored hashes of the log ${source.log} were changed; its entries still lead to its signed root.`,
    "LOG_CORRUPT",
  );
  return remade;
}

/**
 * The edge of the tree that a head's checkpoint signs, whatever else the head says; undefined if nothing that is stored
 * leads there.
 */
export async function checkpointEdge(source: TreeView, { checkpoint }: LogHead): Promise<TreeEdge | undefined> {
  const opened = source.key.open(checkpoint);
  if (opened.kind === "rejected") return undefined;
  return soundEdge(source, { size: opened.treeSize, rootHash: opened.rootHash }).catch(unlessCorrupt);
}

function unlessCorrupt(error: unknown): undefined {
  if (error instanceof AuditError && error.code === "LOG_CORRUPT") return;
  throw error;
}

/**
 * The right edge of the tree of a size, read back from leaf hashes and tiles. Rejects with LOG_CORRUPT where one is
 * missing.
 */
export async function restoreEdge(source: TreeView, size: number): Promise<TreeEdge> {
  const rows = [await leafRow(source, size), ...(await upperRows(source, size))];
  return TreeEdge.restore(source.format, size, rows);
}

/**
 * The tree of a head that is not shorter, grown from a tree that is known: what other gateways appended is hashed here again,
 * so the new root is proven to extend the old one. Undefined when what is stored is sound in itself, but another history.
 * Rejects LOG_CORRUPT when it is not.
 */
export async function extendTree(source: TreeView, tree: SignedTree, head: LogHead): Promise<SignedTree | undefined> {
  requireSigned(source, head);
  if (head.size === tree.edge.size && equalBytes(head.rootHash, tree.rootHash)) return tree;
  const edge = await extendedEdge(source, head, tree.edge);
  if (edge !== undefined) return treeOf(head, edge, await lastTime(source, edge));
  await restoreTree(source, head);
  return undefined;
}

/**
 * Whether a stored head is that of a tree with this edge, or of one that extends it; false also when what is stored
 * does not lead to the head.
 */
export async function leadsTo(source: TreeView, head: LogHead | undefined, edge: TreeEdge): Promise<boolean> {
  if (head === undefined || head.size < edge.size) return false;
  try {
    requireSigned(source, head);
    return (await extendedEdge(source, head, edge)) !== undefined;
  } catch (error) {
    if (endsLog(error)) return false;
    throw error;
  }
}

/** The edge of a head's tree, grown from a known one; undefined when the stored entries do not lead there. */
async function extendedEdge(source: TreeView, head: LogHead, edge: TreeEdge): Promise<TreeEdge | undefined> {
  for (const leaves of [leafHashes, textRow]) {
    const grown = await grownEdge(source, { edge, size: head.size }, leaves);
    if (equalBytes(grown.root(), head.rootHash)) return grown;
  }
  return undefined;
}

async function grownEdge(
  source: TreeView,
  { edge: known, size }: { readonly edge: TreeEdge; readonly size: number },
  leaves: (source: TreeView, range: LeafRange) => Promise<Uint8Array>,
): Promise<TreeEdge> {
  let edge = known;
  while (edge.size < size) {
    const end = Math.min(size, edge.size + CHUNK_LEAVES);
    edge = edge.append(hashesIn(await leaves(source, { start: edge.size, end }))).edge;
  }
  return edge;
}

/** Like restoreEdge, but from the entries' own texts; of the tiles above them, only inconsistent ones are rebuilt. */
async function remadeEdge(source: TreeView, size: number): Promise<TreeEdge> {
  const rows = [await textRow(source, { start: size - (size % TILE_WIDTH), end: size })];
  for (let level = 0; size >= TILE_WIDTH ** (level + 1); level++) {
    const row: Uint8Array[] = [];
    for (const id of topTiles(size, level)) row.push((await soundTile(source, id)).slice(-HASH_BYTES));
    rows.push(Buffer.concat(row));
  }
  return TreeEdge.restore(source.format, size, rows);
}

async function soundTile(source: TreeView, id: TileId): Promise<Uint8Array> {
  const [stored] = id.level === 0 ? [] : await source.store.tiles(source.log, [id]);
  if (stored !== undefined && tileIsSound(source.format, stored)) return stored;
  const remade = await remadeTile(source, id);
  if (remade !== undefined) return remade;
  throw corrupt(source, `tile ${id.level}/${id.index} cannot be rebuilt`);
}

/** The leaves of a range, each from its entry's own text. Rejects with LOG_CORRUPT where one is missing. */
async function textRow(source: TreeView, { start, end }: LeafRange): Promise<Uint8Array> {
  const row: Uint8Array[] = [];
  for (let from = start; from < end; from += TILE_WIDTH) {
    const indexes = Array.from({ length: Math.min(TILE_WIDTH, end - from) }, (_, place) => from + place);
    for (const hash of await textHashes(source, indexes)) {
      if (hash === undefined) throw corrupt(source, `entries between ${start} and ${end} are missing`);
      row.push(hash);
    }
  }
  return Buffer.concat(row);
}

/** When a tree's last entry was received, as far as is known. */
type LastTime = Pick<SignedTree, "lastReceivedAt" | "isLastChanged">;

function treeOf(
  { rootHash, checkpoint }: LogHead,
  edge: TreeEdge,
  { lastReceivedAt, isLastChanged }: LastTime,
): SignedTree {
  return { edge, rootHash, checkpoint, lastReceivedAt, ...(isLastChanged && { isLastChanged }) };
}

/**
 * When the last entry was received, by the text that the tree covers; if that was changed, the time of the last genuine
 * one before it.
 */
async function lastTime(source: TreeView, edge: TreeEdge, onDamage: Alarm = () => undefined): Promise<LastTime> {
  const reader = new EntryReader(source, new BoundLeaves(source, new TileReader(source, FEW_TILES)));
  const [last] = await reader.read([edge.size - 1], edge);
  if (last?.kind === "entry") return { lastReceivedAt: last.entry.envelope.received_at };
  const first = Math.max(0, edge.size - DATING_ENTRIES);
  const indexes = Array.from({ length: edge.size - first }, (_, place) => first + place);
  const genuine = (await reader.read(indexes, edge)).flatMap((outcome) => (outcome.kind === "entry" ? [outcome] : []));
  const newest = genuine.at(-1);
  if (newest === undefined) throw corrupt(source, `its last ${indexes.length} entries were changed`);
  onDamage(`Entry ${edge.size - 1}, the last of the log ${source.log}, was changed.`, "ENTRY_CORRUPT");
  return { lastReceivedAt: newest.entry.envelope.received_at, isLastChanged: true };
}

/** Why a log that exists has no head in a snapshot: a replica may lag; anywhere else, the head was deleted. */
export async function noHead({ log, store }: TreeView): Promise<AuditError> {
  if (!(await store.isStandby())) return new AuditError("LOG_CORRUPT", `The log ${log} is missing from the store.`);
  const message = `This replica of the store does not have the log ${log} yet: try again.`;
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS });
}

function requireSigned(source: TreeView, head: LogHead): void {
  const opened = source.key.open(head.checkpoint);
  if (opened.kind === "rejected") {
    throw corrupt(source, `its head is not signed by this gateway's key as ${source.key.origin} (${opened.reason})`);
  }
  if (opened.treeSize !== head.size || !equalBytes(opened.rootHash, head.rootHash)) {
    throw corrupt(source, `its head says size ${head.size}, its checkpoint another size or root`);
  }
}

/** The leaves after the last full tile. */
function leafRow(source: TreeView, size: number): Promise<Uint8Array> {
  return leafHashes(source, { start: size - (size % TILE_WIDTH), end: size });
}

/** The rows of the incomplete tiles above the leaves: each of their nodes is the top of a full tile one level below. */
async function upperRows(source: TreeView, size: number): Promise<readonly Uint8Array[]> {
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

function packTops(source: TreeView, ids: readonly TileId[], tiles: readonly (Uint8Array | undefined)[]): Uint8Array {
  const row = new Uint8Array(ids.length * HASH_BYTES);
  ids.forEach(({ level, index }, place) => {
    const top = tiles[place]?.slice(-HASH_BYTES);
    if (top?.length !== HASH_BYTES) throw corrupt(source, `tile ${level}/${index} is missing`);
    row.set(top, place * HASH_BYTES);
  });
  return row;
}

async function leafHashes(source: TreeView, range: LeafRange): Promise<Uint8Array> {
  const packed = await source.store.leafHashes(source.log, range);
  if (packed.length === (range.end - range.start) * HASH_BYTES) return packed;
  throw corrupt(source, `leaf hashes between ${range.start} and ${range.end} are missing`);
}

function hashesIn(packed: Uint8Array): readonly Uint8Array[] {
  const count = packed.length / HASH_BYTES;
  return Array.from({ length: count }, (_, place) => packed.slice(place * HASH_BYTES, (place + 1) * HASH_BYTES));
}

function corrupt({ log }: TreeView, reason: string): AuditError {
  return new AuditError("LOG_CORRUPT", `The log ${log} cannot be trusted: ${reason}.`);
}
