import { utf8 } from "../../src/core/bytes.js";
import { logFormat } from "../../src/core/format.js";
import { buildSegment } from "../../src/core/segment/build.js";
import { PIECE_DOCUMENTS, type Segment, type SegmentId } from "../../src/core/segment/format.js";
import { Group } from "../../src/core/segment/group.js";
import { HashTree } from "../../src/core/segment/hash-tree.js";
import { BASE_ENTRIES, dueAt, recordBytes, segmentCover } from "../../src/core/segment/index-log.js";
import { memorySource } from "../../src/core/segment/memory-source.js";
import { MERGED_CHILDREN, mergeSegments } from "../../src/core/segment/merge.js";
import type { Provable } from "../../src/core/segment/prove.js";
import { SegmentReader } from "../../src/core/segment/read.js";
import type { IndexedEntry } from "../../src/core/words/entry-terms.js";
import { nodeSha256 } from "../../src/keys/node-crypto.js";
import { entryAt } from "../events.js";
import { processorMicros } from "../machine.js";
import type { ProvableLog, ProvableSegment } from "../../test/core/segment/prove-answer.js";

const FORMAT = logFormat("rfc6962", nodeSha256);
/** Smaller segments of groups before these are in larger ones, and no proof reads them. */
const KEPT_GROUPS = 2 * MERGED_CHILDREN;

/** A tree over leaves, with its root. */
interface Committed extends Provable {
  readonly root: Uint8Array;
}

/** The segments of a log of the events of `bench/events.ts`, with their index log: in memory, and what they cost. */
export class BuiltIndex {
  /** Microseconds of processor time, without hashing and storing blocks. */
  readonly costs = { tokenise: 0, "level 0": 0, "level 1": 0, "level 2": 0, "level 3": 0 };
  readonly #segments = new Map<string, Segment & { readonly hashes: HashTree }>();
  readonly #records = new Map<string, { readonly blocks: number; readonly root: Uint8Array }>();
  readonly #leafHashes: Uint8Array[] = [];

  /** The next 4,096 entries. */
  add(group: number, entries: readonly IndexedEntry[]): void {
    const terms = new Group(group, nodeSha256);
    for (const { leafHash } of entries) this.#leafHashes.push(leafHash);
    this.costs.tokenise += processorMicros(() => {
      for (const entry of entries) terms.add(entry);
    });
    const small: Segment[] = [];
    this.costs["level 0"] += processorMicros(() => {
      for (let place = 0; place < PIECE_DOCUMENTS / BASE_ENTRIES; place++) small.push(buildSegment(terms, 0, place));
    });
    for (const segment of small) this.#put(segment);
    this.#forget(group - KEPT_GROUPS);
    let made: Segment | undefined;
    this.costs["level 1"] += processorMicros(() => {
      made = buildSegment(terms, 1);
    });
    if (made !== undefined) this.#put(made);
    this.#merge(2, group);
    this.#merge(3, group);
  }

  get size(): number {
    return this.#leafHashes.length;
  }

  /** What a search of the whole log reads. */
  readers(): readonly SegmentReader[] {
    return this.#cover().map(({ source }) => new SegmentReader(source));
  }

  bytes(): number {
    return this.#coverIds().reduce(
      (sum, id) => sum + this.#segment(id).blocks.reduce((all, { length }) => all + length, 0),
      0,
    );
  }

  /** What proofs of completeness are taken from. */
  provable(): ProvableLog & { readonly log: Committed; readonly index: Committed } {
    const records = Array.from({ length: this.size / BASE_ENTRIES }, (_, base) =>
      recordBytes(
        base,
        dueAt(base).map((id) => ({ ...id, ...this.#record(id) })),
      ),
    );
    const log = committed(this.#leafHashes, (leaf) => utf8(entryAt(leaf).canonical));
    const index = committed(
      records.map((record) => FORMAT.leafHash(record)),
      (base) => records[base] ?? new Uint8Array(),
    );
    return { log, index, segments: this.#cover(), format: FORMAT, sha256: nodeSha256 };
  }

  #cover(): readonly ProvableSegment[] {
    return this.#coverIds().map((id) => {
      const { blocks, hashes } = this.#segment(id);
      return { ...id, source: memorySource(this.#segment(id)), tree: { size: blocks.length, hashes } };
    });
  }

  #coverIds(): readonly SegmentId[] {
    return segmentCover({ start: 0, end: this.size }, this.size / BASE_ENTRIES);
  }

  /** Merges the children that end with this group, if they are complete. */
  #merge(level: 2 | 3, group: number): void {
    const groups = MERGED_CHILDREN ** (level - 1);
    if ((group + 1) % groups !== 0) return;
    const first = ((group + 1 - groups) * MERGED_CHILDREN) / groups;
    const children = Array.from({ length: MERGED_CHILDREN }, (_, child) => {
      const id = { level: level - 1, number: first + child };
      return new SegmentReader(memorySource(this.#segment(id)));
    });
    let merged: Segment | undefined;
    this.costs[`level ${level}`] += processorMicros(() => {
      merged = mergeSegments(children);
    });
    if (merged !== undefined) this.#put(merged);
  }

  #forget(group: number): void {
    this.#segments.delete(key({ level: 1, number: group }));
    for (let place = 0; place < MERGED_CHILDREN; place++)
      this.#segments.delete(key({ level: 0, number: group * MERGED_CHILDREN + place }));
  }

  #put(segment: Segment): void {
    const hashes = new HashTree(
      FORMAT,
      segment.blocks.map((block) => FORMAT.leafHash(block)),
    );
    this.#segments.set(key(segment), { ...segment, hashes });
    this.#records.set(key(segment), { blocks: segment.blocks.length, root: hashes.root() });
  }

  #segment(id: SegmentId): Segment & { readonly hashes: HashTree } {
    const found = this.#segments.get(key(id));
    if (found === undefined) throw new RangeError(`no segment ${key(id)}`);
    return found;
  }

  #record(id: SegmentId): { readonly blocks: number; readonly root: Uint8Array } {
    const found = this.#records.get(key(id));
    if (found === undefined) throw new RangeError(`no segment ${key(id)}`);
    return found;
  }
}

const key = ({ level, number }: SegmentId): string => `${level}/${number}`;

function committed(leafHashes: readonly Uint8Array[], leaf: Provable["leaf"]): Committed {
  const hashes = new HashTree(FORMAT, leafHashes);
  return { size: leafHashes.length, hashes, root: hashes.root(), leaf };
}
