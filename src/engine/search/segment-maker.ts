import { Worker } from "node:worker_threads";
import type { SegmentBlocks, StoredSegment } from "../../audit/block-store.js";
import type { IndexedEntry } from "../../core/words/entry-terms.js";
import { MAX_OCCURRENCES } from "../../core/segment/group.js";
import { GroupTooLarge } from "../../core/segment/term-table.js";
import { SegmentLost } from "./stored-segments.js";

/** Many byte arrays as one that can be handed to another thread without a copy, and where each ends. */
export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: readonly number[];
}

export function packed(parts: readonly Uint8Array[]): Packed {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  const ends = parts.map((part) => {
    bytes.set(part, end);
    return (end += part.length);
  });
  return { bytes, ends };
}

export function unpacked({ bytes, ends }: Packed): readonly Uint8Array[] {
  return ends.map((end, place) => bytes.subarray(place === 0 ? 0 : ends[place - 1], end));
}

/** What the thread is asked, one after the other. */
export type MakerCall =
  /** Adds entries to a group, which is a new one where they are its first. */
  | { readonly kind: "add"; readonly firstLeaf: number; readonly canonical: Packed; readonly leafHashes: Packed }
  /** The segment of level 1 of the group that was added. */
  | { readonly kind: "build" }
  /** The segment over these 16. */
  | { readonly kind: "merge"; readonly children: readonly MergedChild[] };

type MergedChild = StoredSegment & { readonly contents: Packed };

export type MakerReply =
  | { readonly kind: "added" }
  | { readonly kind: "made"; readonly segment: Omit<SegmentBlocks, "contents">; readonly contents: Packed }
  | { readonly kind: "too-large"; readonly reason: string }
  /** `damaged`: the place of the child that is. */
  | { readonly kind: "failed"; readonly reason: string; readonly damaged: number | undefined };

class MakerError extends Error {
  constructor(
    message: string,
    readonly damaged: number | undefined,
  ) {
    super(message);
  }
}

interface Asked {
  readonly resolve: (reply: MakerReply) => void;
  readonly reject: (error: Error) => void;
}

/** Builds and merges segments in a thread of its own, which begins with the first call and holds no process. */
export class SegmentMaker {
  #worker: Worker | undefined;
  readonly #asked: Asked[] = [];
  /** One group at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `mostOccurrences`: of the words and values of a group. */
  constructor(private readonly mostOccurrences = MAX_OCCURRENCES) {}

  /** The segment of level 1 of these entries, 4,096 from a leaf on. Rejects as `entries` does, and with GroupTooLarge. */
  async build(firstLeaf: number, entries: AsyncIterable<readonly IndexedEntry[]>): Promise<SegmentBlocks> {
    const built = this.#turn.then(async () => {
      let next = firstLeaf;
      for await (const some of entries) {
        const canonical = packed(some.map((entry) => entry.canonical));
        await this.#ask({ kind: "add", firstLeaf: next, canonical, leafHashes: packed(some.map(leafHashOf)) });
        next += some.length;
      }
      return this.#made({ kind: "build" });
    });
    this.#turn = built.catch(() => undefined);
    return built;
  }

  /** Rejects with SegmentLost when a child is damaged. */
  async merge(children: readonly SegmentBlocks[]): Promise<SegmentBlocks> {
    const call = children.map((child) => ({ ...child, contents: packed(child.contents) }));
    try {
      return await this.#made({ kind: "merge", children: call });
    } catch (error) {
      const damaged = error instanceof MakerError && error.damaged !== undefined ? children[error.damaged] : undefined;
      throw damaged === undefined ? error : new SegmentLost(damaged);
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  async #made(call: MakerCall): Promise<SegmentBlocks> {
    const reply = await this.#ask(call);
    if (reply.kind !== "made") throw new Error("the thread made no segment");
    return { ...reply.segment, contents: unpacked(reply.contents) };
  }

  async #ask(call: MakerCall): Promise<MakerReply> {
    const worker = (this.#worker ??= this.#start());
    const reply = await new Promise<MakerReply>((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      worker.postMessage(call, buffersOf(call));
    });
    if (reply.kind === "too-large") throw new GroupTooLarge(reply.reason);
    if (reply.kind === "failed") throw new MakerError(reply.reason, reply.damaged);
    return reply;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./segment-maker-worker.js", import.meta.url), {
      workerData: this.mostOccurrences,
    });
    worker.unref();
    worker.on("message", (reply: MakerReply) => this.#asked.shift()?.resolve(reply));
    const end = (error: Error): void => {
      this.#worker = undefined;
      for (const { reject } of this.#asked.splice(0)) reject(error);
    };
    worker.on("error", end);
    worker.on("exit", () => {
      end(new Error("the thread that builds the search index has ended"));
    });
    return worker;
  }
}

function buffersOf(call: MakerCall): readonly ArrayBuffer[] {
  if (call.kind === "build") return [];
  const parts = call.kind === "add" ? [call.canonical, call.leafHashes] : call.children.map(({ contents }) => contents);
  return parts.map(({ bytes }) => bytes.buffer);
}

function leafHashOf({ leafHash }: IndexedEntry): Uint8Array {
  return leafHash;
}
