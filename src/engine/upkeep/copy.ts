import { AuditError } from "../../audit/errors.js";
import type { LogHead, LogStore, NewEntry, StoredEntry } from "../../audit/store.js";
import { digestOf, equalBytes, utf8 } from "../../core/bytes.js";
import type { TreeEdge } from "../../core/tree.js";
import { restoreEdge, restoreTree, type TreeSource } from "../tree/signed-tree.js";

export interface CopyOptions {
  readonly from: TreeSource;
  readonly to: LogStore;
  readonly onProgress?: (copied: number, size: number) => void;
}

export interface CopyReport {
  readonly size: number;
  /** Entries that an earlier, unfinished copy already brought over. */
  readonly found: number;
}

const CHUNK_ENTRIES = 2_048;

/**
 * Copies a log to another store, byte for byte, up to its current size. Every entry is hashed before it is written and
 * the tree is built again, so the copy ends at the signed root or fails. If interrupted, the next run continues.
 * Rejects with ENTRY_CORRUPT or LOG_CORRUPT when the source is damaged, with CONFLICT when the target holds something
 * else.
 */
export async function copyLog({ from, to, onProgress }: CopyOptions): Promise<CopyReport> {
  const head = await from.store.head(from.log);
  if (head === undefined) throw new AuditError("NOT_FOUND", `There is no log ${from.log} to copy.`);
  await restoreTree(from, head);
  const target: TreeSource = { ...from, store: to };
  let edge = await startingEdge(from, target, head);
  const found = edge.size;
  while (edge.size < head.size) {
    edge = await copyChunk(from, { to, head }, edge);
    onProgress?.(edge.size, head.size);
  }
  return { size: head.size, found };
}

/** The tree of what the target already holds, which must be a prefix of the source. */
async function startingEdge(from: TreeSource, target: TreeSource, head: LogHead): Promise<TreeEdge> {
  const there = await target.store.createLog(await emptyHead(from, head));
  if (there.format !== head.format) {
    throw conflict(from, `the target holds it in format ${there.format}, the source in ${head.format}`);
  }
  if (there.size > head.size) {
    throw conflict(from, `the target holds ${there.size} entries, the source only ${head.size}`);
  }
  const edge = await restoreEdge(target, there.size);
  const original = await restoreEdge(from, there.size);
  if (equalBytes(edge.root(), there.rootHash) && equalBytes(edge.root(), original.root())) return edge;
  throw conflict(from, `the ${there.size} entries of the target are not the first of the source`);
}

/** A log's creation time is not kept once it has entries; the copy takes the first entry's. */
async function emptyHead(from: TreeSource, head: LogHead): Promise<LogHead> {
  const { emptyRoot } = from.format;
  const [first] = await from.store.entries(from.log, [0]);
  const lastReceivedAt = first === undefined ? head.lastReceivedAt : newEntry(first, from).receivedAt;
  return { ...head, size: 0, rootHash: emptyRoot, checkpoint: from.key.sign(0, emptyRoot), lastReceivedAt };
}

async function copyChunk(
  from: TreeSource,
  { to, head }: { readonly to: LogStore; readonly head: LogHead },
  edge: TreeEdge,
): Promise<TreeEdge> {
  const end = Math.min(head.size, edge.size + CHUNK_ENTRIES);
  const indexes = Array.from({ length: end - edge.size }, (_, i) => edge.size + i);
  const stored = await from.store.entries(from.log, indexes);
  const entries = stored.map((entry, i) => newEntry(entry ?? missing(from, edge.size + i), from));
  const grown = edge.append(entries.map(({ leafHash }) => leafHash));
  const rootHash = grown.edge.root();
  const isLast = end === head.size;
  if (isLast && !equalBytes(rootHash, head.rootHash)) {
    throw new AuditError(
      "LOG_CORRUPT",
      `The entries of ${from.log} lead to ${digestOf(rootHash)}, not to its signed root.`,
    );
  }
  const checkpoint = isLast ? head.checkpoint : from.key.sign(end, rootHash);
  const { log } = from;
  const outcome = await to.append({ log, expectedSize: edge.size, entries, tiles: grown.tiles, rootHash, checkpoint });
  if (outcome.kind === "conflict") throw conflict(from, "something else writes to the target");
  return grown.edge;
}

function newEntry({ leafIndex, canonical, leafHash }: StoredEntry, { format, log }: TreeSource): NewEntry {
  const envelope = format.parse(canonical);
  if (envelope !== undefined && equalBytes(format.leafHash(utf8(canonical)), leafHash)) {
    return { canonical, leafHash, receivedAt: envelope.received_at };
  }
  throw new AuditError(
    "ENTRY_CORRUPT",
    `Entry ${leafIndex} of ${log} does not match its leaf; nothing after it was copied.`,
  );
}

function missing({ log }: TreeSource, leafIndex: number): never {
  throw new AuditError("LOG_CORRUPT", `Entry ${leafIndex} of ${log} is missing.`);
}

function conflict({ log }: TreeSource, reason: string): AuditError {
  return new AuditError("CONFLICT", `The log ${log} cannot be copied there: ${reason}.`);
}
