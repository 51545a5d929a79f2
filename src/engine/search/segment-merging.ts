import { receiveMessageOnPort } from "node:worker_threads";
import type { StoredSegment } from "../../audit/block-store.js";
import { HASH_BYTES } from "../../core/bytes.js";
import { MAX_SEGMENT_BLOCKS, segmentBlocks, type SegmentHeader } from "../../core/segment/format.js";
import { mergedHeader, streamMerged } from "../../core/segment/merge.js";
import { SegmentReader } from "../../core/segment/read.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { blockHash, Outline, outlineBytes, recordsBelow } from "./outline.js";
import { packed, unpacked } from "./packed.js";
import type { MergerCall, MergerData, MergerFault, MergerReply } from "./segment-merger.js";

/** Blocks that are read, or given away, at once. */
const AT_ONCE = 32;
const STAGED_AT_ONCE = 256;
/** A merge goes forward in three streams of each child at the same time: runs of blocks that are kept. */
const RUNS = 4;

/** What it asks while it merges, and stands still until it has the reply. */
export type AskMerger = (call: MergerCall & { readonly kind: "read" | "stage" }) => MergerReply;

/** Merges 16 segments for a SegmentMerger into one of less than so many blocks, and says at last what has become of it. Never throws. */
export function mergedBy(children: readonly StoredSegment[], ask: AskMerger, end = MAX_SEGMENT_BLOCKS): MergerCall {
  try {
    return { kind: "merged", segment: merged(children, ask, end) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "failed", reason, fault: error instanceof Fault ? error.fault : undefined };
  }
}

/** Stands still until the other side has replied: a merge is one computation over blocks that are read when it comes to them. */
export function askOver({ port, signal }: Pick<MergerData, "port" | "signal">): AskMerger {
  return (call) => {
    port.postMessage(call, call.kind === "stage" ? [call.blocks.bytes.buffer] : []);
    for (;;) {
      const received: { readonly message: MergerReply } | undefined = receiveMessageOnPort(port);
      if (received !== undefined) return received.message;
      Atomics.wait(signal, 0, 0);
      Atomics.store(signal, 0, 0);
    }
  };
}

class Fault extends Error {
  constructor(
    message: string,
    readonly fault: MergerFault,
  ) {
    super(message);
  }
}

/** A child, its blocks checked as they are read. */
class Child {
  readonly id: StoredSegment;
  readonly outline: Outline;
  #runs: { readonly first: number; readonly blocks: readonly Uint8Array[] }[] = [];

  constructor(
    row: StoredSegment,
    private readonly place: number,
    private readonly ask: AskMerger,
  ) {
    this.id = row;
    const outline = Outline.read(this.#read(row.blocks - 1, 1)[0] ?? new Uint8Array(), row.digest);
    if (outline?.isOfLevel(row.level) !== true) throw this.#damaged();
    this.outline = outline;
  }

  reader(): SegmentReader {
    return new SegmentReader({
      block: (number) => this.#block(number),
      locate: (term) => this.outline.locate(term),
    });
  }

  #block(number: number): Uint8Array {
    const known = this.#runs.find(({ first, blocks }) => number >= first && number < first + blocks.length);
    if (known !== undefined) return known.blocks[number - known.first] ?? new Uint8Array();
    const count = Math.min(AT_ONCE, this.id.blocks - 1 - number);
    const blocks = this.#read(number, count);
    if (count < 1 || !blocks.every((block, at) => this.outline.hasBlock(number + at, block))) throw this.#damaged();
    this.#runs = [{ first: number, blocks }, ...this.#runs.slice(0, RUNS - 1)];
    return blocks[0] ?? new Uint8Array();
  }

  #read(first: number, count: number): readonly Uint8Array[] {
    const reply = this.ask({ kind: "read", child: this.place, first, count });
    return reply.kind === "blocks" ? unpacked(reply.blocks) : [];
  }

  #damaged(): Fault {
    return new Fault("a segment to be merged is damaged", { kind: "damaged", child: this.place });
  }
}

/** Blocks of the merged segment on their way to the store, and what its outline says of them. */
class Merged {
  readonly #hashes: Uint8Array;
  readonly #directory: Uint8Array[] = [];
  #numbers: number[] = [];
  #blocks: Uint8Array[] = [];

  constructor(
    blocks: number,
    private readonly ask: AskMerger,
  ) {
    this.#hashes = new Uint8Array(blocks * HASH_BYTES);
  }

  readonly take = (number: number, block: Uint8Array, firstTerm?: Uint8Array): void => {
    this.#hashes.set(blockHash(block), number * HASH_BYTES);
    if (firstTerm !== undefined) this.#directory.push(firstTerm);
    this.#stage(number, block);
    if (this.#blocks.length === STAGED_AT_ONCE) this.#flush();
  };

  /** Returns the digest of the outline. */
  finish(from: readonly Child[]): Uint8Array {
    const outline = outlineBytes(this.#hashes, this.#directory, recordsBelow(from));
    this.#stage(this.#hashes.length / HASH_BYTES, outline);
    this.#flush();
    return nodeSha256(outline);
  }

  #stage(number: number, block: Uint8Array): void {
    this.#numbers.push(number);
    this.#blocks.push(block);
  }

  #flush(): void {
    this.ask({ kind: "stage", numbers: this.#numbers, blocks: packed(this.#blocks) });
    this.#numbers = [];
    this.#blocks = [];
  }
}

function merged(children: readonly StoredSegment[], ask: AskMerger, end: number): StoredSegment {
  const from = children.map((row, place) => new Child(row, place, ask));
  const readers = (): readonly SegmentReader[] => from.map((child) => child.reader());
  const header: SegmentHeader = mergedHeader(readers());
  const blocks = segmentBlocks(header);
  if (blocks >= end) throw new Fault("too many blocks", { kind: "too-large" });
  const to = new Merged(blocks, ask);
  streamMerged(readers(), header, to.take);
  const digest = to.finish(from);
  const { level, number } = header;
  return { level, number, blocks: blocks + 1, digest, lastLeafHash: children.at(-1)?.lastLeafHash ?? new Uint8Array() };
}
