import { digestBytes, digestOf, parseDigest, utf8, utf8Text } from "../bytes.js";
import {
  noteVerifier,
  openCheckpoint,
  signCheckpoint,
  type NoteSigner,
  type NoteVerifier,
  type OpenedCheckpoint,
  type TreeHead,
} from "../checkpoint.js";
import type { Ed25519 } from "../signature.js";
import type { LeafRange } from "../tree.js";
import { LEVEL_BITS, MAX_LEVEL, segmentDocuments, type SegmentId } from "./format.js";

/**
 * The index log of a log: an RFC 6962 tree, of whatever format the log is. Leaf k is the record of base k, the leaves
 * from 256 k: it names the base's segment, and every merged segment that is due at k.
 */
export interface SegmentRecord extends SegmentId {
  readonly blocks: number;
  readonly root: Uint8Array;
}

/** Entries that one record stands for. */
export const BASE_ENTRIES = segmentDocuments(0);

const RECORD_HEAD = "auditql/index/1\n";
const RECORD_LINE = /^(0|[1-4]) (0|[1-9][0-9]{0,15}) ([1-9][0-9]{0,6}) ([0-9a-f]{64})$/;
/** The maximum bytes of one record: its head, and a line for each level. */
export const MAX_RECORD_BYTES = 600;

/** Bases in a segment of a level. */
function basesOf(level: number): number {
  return 2 ** (LEVEL_BITS * level);
}

/**
 * The base whose record names a segment. A segment of one base is named by its own record; a merged one by the record
 * of a base as far after its end as one of its children is long, so that the merge has as much time as the next child
 * takes.
 */
export function dueBase({ level, number }: SegmentId): number {
  return level === 0 ? number : (number + 1) * basesOf(level) - 1 + basesOf(level - 1);
}

/** The bases whose records name these segments, each once, in their order: a large segment is named after smaller ones behind it. */
export function dueBases(segments: readonly SegmentId[]): readonly number[] {
  return [...new Set(segments.map(dueBase))].sort((a, b) => a - b);
}

/** The segments that the record of a base names, the lowest level first. */
export function dueAt(base: number): readonly SegmentId[] {
  const due: SegmentId[] = [];
  for (let level = 0; level <= MAX_LEVEL; level++) {
    const number = level === 0 ? base : (base + 1 - basesOf(level - 1)) / basesOf(level) - 1;
    if (number >= 0 && Number.isInteger(number)) due.push({ level, number });
  }
  return due;
}

/** The largest segments that records up to an index size name, over the leaves of a range; the first and last may reach beyond it. */
export function segmentCover(range: LeafRange, indexSize: number): readonly SegmentId[] {
  const cover: SegmentId[] = [];
  const end = Math.min(Math.ceil(range.end / BASE_ENTRIES), indexSize);
  for (let base = Math.floor(range.start / BASE_ENTRIES); base < end;) {
    let level = MAX_LEVEL;
    const idAt = (of: number): SegmentId => ({ level: of, number: Math.floor(base / basesOf(of)) });
    while (level > 0 && dueBase(idAt(level)) >= indexSize) level -= 1;
    const id = idAt(level);
    cover.push(id);
    base = (id.number + 1) * basesOf(level);
  }
  return cover;
}

/** The record of a base, with the segments that are due there. Throws a RangeError for any others. */
export function recordText(base: number, segments: readonly SegmentRecord[]): string {
  if (!isDue(base, segments)) throw new RangeError(`not the segments that are due at base ${base}`);
  const lines = segments.map(({ level, number, blocks, root }) => `${level} ${number} ${blocks} ${digestOf(root)}\n`);
  return RECORD_HEAD + lines.join("");
}

/** Reads the record of a base; returns undefined for anything that `recordText` does not write. */
export function readRecord(base: number, bytes: Uint8Array): readonly SegmentRecord[] | undefined {
  const text = bytes.length > MAX_RECORD_BYTES ? undefined : utf8Text(bytes);
  if (text?.startsWith(RECORD_HEAD) !== true || !text.endsWith("\n")) return undefined;
  const lines = text.slice(RECORD_HEAD.length, -1).split("\n").map(readLine);
  const segments = lines.filter((line) => line !== undefined);
  return segments.length === lines.length && isDue(base, segments) ? segments : undefined;
}

function readLine(line: string): SegmentRecord | undefined {
  const [, level, number, blocks, hex = ""] = RECORD_LINE.exec(line) ?? [];
  const digest = parseDigest(hex);
  if (digest === undefined) return undefined;
  return { level: Number(level), number: Number(number), blocks: Number(blocks), root: digestBytes(digest) };
}

function isDue(base: number, segments: readonly SegmentId[]): boolean {
  const due = dueAt(base);
  return (
    due.length === segments.length &&
    due.every(({ level, number }, place) => segments[place]?.level === level && segments[place].number === number)
  );
}

/** The bytes of a record, which are a leaf of the index log. */
export function recordBytes(base: number, segments: readonly SegmentRecord[]): Uint8Array {
  return utf8(recordText(base, segments));
}

/**
 * The origin of a log's index log. No log id has a `~`, so no log has this origin; the key is the log's, and its key id
 * differs by the name.
 */
export function indexOrigin(origin: string): string {
  return `${origin}~index-1`;
}

/** The signed checkpoint of an index log: C2SP tlog-checkpoint, as `signCheckpoint` writes that of the log, by its keys. */
export function signIndexCheckpoint(tree: Omit<TreeHead, "origin">, ...logKeys: readonly NoteSigner[]): string {
  const keys = logKeys.map((key) => ({
    ...key,
    name: indexOrigin(key.name),
    sign: (message: Uint8Array) => key.sign(message),
  }));
  return signCheckpoint({ ...tree, origin: keys[0]?.name ?? "" }, ...keys);
}

/** Reads an untrusted checkpoint of the index log of the log that a key belongs to. */
export function openIndexCheckpoint(text: string, logKey: NoteVerifier, ed25519: Ed25519): OpenedCheckpoint {
  return openCheckpoint(text, noteVerifier(indexOrigin(logKey.name), logKey.publicKey, ed25519));
}
