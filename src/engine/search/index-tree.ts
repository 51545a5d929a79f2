import type { StoredSegment } from "../../audit/block-store.js";
import { logFormat } from "../../core/format.js";
import type { SegmentId } from "../../core/segment/format.js";
import { HashTree } from "../../core/segment/hash-tree.js";
import { BASE_ENTRIES, dueAt, recordBytes, type SegmentRecord } from "../../core/segment/index-log.js";
import { MERGED_CHILDREN } from "../../core/segment/merge.js";
import type { Provable } from "../../core/segment/prove.js";
import { leavesOf } from "../../core/segment/search.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import type { BaseSegments } from "./base-segments.js";
import { recordOf, type Outline } from "./outline.js";
import { Steps } from "./matches.js";
import type { OpenSegment } from "./open-segment.js";
import type { StoredSegments } from "./stored-segments.js";

const HASHING = logFormat("rfc6962", nodeSha256);

/** A log's index log at one size. */
export interface IndexTree extends Provable {
  readonly rootHash: Uint8Array;
}

interface IndexLogParts {
  readonly stored: StoredSegments;
  readonly bases: BaseSegments;
  /** Has a segment built again whose outline lacks what the index log says of the levels below. */
  readonly renew: (segment: StoredSegment) => void;
}

/** What is stored of a log from its first entry on without a gap. */
interface Stored {
  readonly segments: readonly { readonly id: SegmentId; readonly outline: Outline }[];
  /** The bases that it covers. */
  readonly bases: number;
  readonly name: string;
}

interface Kept {
  /** Of what it was made. */
  readonly name: string;
  readonly records: readonly Uint8Array[];
  /** Whether every base that is stored has its record: none names a merged segment that is due, but not made yet. */
  readonly isWhole: boolean;
}

/** Records with the tree over them. */
interface Grown {
  readonly name: string;
  readonly records: readonly Uint8Array[];
  readonly hashes: HashTree;
}

/**
 * The index log of one log, derived from the outlines of its stored segments, and for its newest bases from the entries.
 * It reaches as far as every segment that a record names is there: a merge that is late holds it back.
 */
export class IndexLog {
  #kept: Kept | undefined;
  #tree: Grown | undefined;

  constructor(private readonly parts: IndexLogParts) {}

  /** The largest there is of at most `size` bases. Rejects with SegmentLost, and as BaseSegments. */
  async upTo(size: number): Promise<IndexTree> {
    const stored = await this.#stored();
    const kept = this.#kept?.name === stored.name ? this.#kept : await keptOf(stored);
    this.#kept = kept;
    const newest = kept.isWhole ? await this.#newest(stored, size) : [];
    const name = `${stored.name}/${newest.length}`;
    const tree = this.#tree?.name === name ? this.#tree : grown(name, [...kept.records, ...newest]);
    this.#tree = tree;
    return treeOf(tree, Math.min(size, tree.records.length));
  }

  async #stored(): Promise<Stored> {
    const segments: { readonly id: SegmentId; readonly outline: Outline }[] = [];
    let [end, name] = [0, ""];
    for (const segment of await this.parts.stored.list()) {
      const outline = await this.#outline(segment);
      if (outline === undefined || segment.range.start !== end) continue; // without a gap: the others are read from the log
      segments.push({ id: segment.row, outline });
      end = segment.range.end;
      name += Buffer.from(segment.row.digest).toString("base64");
    }
    return { segments, bases: end / BASE_ENTRIES, name };
  }

  async #outline({ row, readOutline }: OpenSegment): Promise<Outline | undefined> {
    const outline = await readOutline();
    if (outline.isOfLevel(row.level)) return outline;
    this.parts.renew(row);
    return undefined;
  }

  /** The records of the group behind what is stored, up to its end: the next one names its segment of level 1. */
  async #newest(stored: Stored, size: number): Promise<readonly Uint8Array[]> {
    const count = Math.max(0, Math.min(MERGED_CHILDREN, size - stored.bases));
    const due = Array.from({ length: count }, (_, place) => this.parts.bases.of(stored.bases + place));
    const built = await Promise.all(due);
    const records: Uint8Array[] = [];
    for (const base of built.map(recordOf)) {
      const record = recordAt(base.number, (id) => (id.level === 0 ? base : recordIn(stored, id)));
      if (record === undefined) break;
      records.push(record);
    }
    return records;
  }
}

async function keptOf(stored: Stored): Promise<Kept> {
  const steps = new Steps();
  const records: Uint8Array[] = [];
  while (records.length < stored.bases) {
    const record = recordAt(records.length, (id) => recordIn(stored, id));
    if (record === undefined) return { name: stored.name, records, isWhole: false };
    records.push(record);
    await steps.pause();
  }
  return { name: stored.name, records, isWhole: true };
}

/** Undefined where a segment that is due is not there. */
function recordAt(base: number, find: (id: SegmentId) => SegmentRecord | undefined): Uint8Array | undefined {
  const due = dueAt(base);
  const found = due.map(find).filter((record) => record !== undefined);
  return found.length === due.length ? recordBytes(base, found) : undefined;
}

function recordIn({ segments }: Stored, id: SegmentId): SegmentRecord | undefined {
  const { start } = leavesOf(id);
  const over = segments.find((segment) => leavesOf(segment.id).end > start);
  const isOver = over !== undefined && over.id.level >= id.level && leavesOf(over.id).start <= start;
  return isOver ? over.outline.record(over.id, id) : undefined;
}

function grown(name: string, records: readonly Uint8Array[]): Grown {
  const hashes = new HashTree(
    HASHING,
    records.map((record) => HASHING.leafHash(record)),
  );
  return { name, records, hashes };
}

/** A tree of a smaller size has the same inner hashes. */
function treeOf({ records, hashes }: Grown, size: number): IndexTree {
  return {
    size,
    rootHash: size === 0 ? HASHING.emptyRoot : hashes.hash({ start: 0, end: size }),
    hashes,
    leaf: (index) => records[index] ?? new Uint8Array(),
  };
}
