import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from "node:worker_threads";
import type { StagedBlock, StoredSegment } from "../../audit/block-store.js";
import { packed, unpacked, type Packed } from "./packed.js";
import { SegmentLost } from "./open-segment.js";

/** 16 segments to be merged, which may be larger than memory. */
export interface MergeJob {
  readonly children: readonly StoredSegment[];
  /** Some blocks of a child, by its place. Rejects with SegmentLost. */
  readonly read: (child: number, first: number, count: number) => Promise<readonly Uint8Array[]>;
  /** Takes some blocks of the segment that is made. */
  readonly stage: (blocks: readonly StagedBlock[]) => Promise<void>;
  /** Whether somebody waits for it, so that the process must not end before. One that is made by the way is begun anew another time. */
  readonly isAwaited: boolean;
}

/** What the thread asks: it stands still until it has the reply. */
export type MergerCall =
  | { readonly kind: "read"; readonly child: number; readonly first: number; readonly count: number }
  | { readonly kind: "stage"; readonly numbers: readonly number[]; readonly blocks: Packed }
  | { readonly kind: "merged"; readonly segment: StoredSegment }
  | { readonly kind: "failed"; readonly reason: string; readonly fault: MergerFault | undefined };

/** `damaged`: the place of a child that is. `too-large`: the merged segment would have more blocks than one may. */
export type MergerFault = { readonly kind: "damaged"; readonly child: number } | { readonly kind: "too-large" };

export type MergerReply = { readonly kind: "blocks"; readonly blocks: Packed } | { readonly kind: "staged" };

export interface MergerData {
  readonly children: readonly StoredSegment[];
  readonly port: MessagePort;
  /** Raised when a reply is in the port. */
  readonly signal: Int32Array;
  /** Whether its thread gives way to those that answer requests. */
  readonly isBackground: boolean;
}

/** Thrown for segments that stay as they are. */
export class MergeTooLarge extends Error {
  constructor() {
    super("the segment would have more blocks than one may have");
    this.name = "MergeTooLarge";
  }
}

/** Thrown for a merge that `close` cut short. */
export class MergerClosed extends Error {
  constructor() {
    super("the search index is closed");
    this.name = "MergerClosed";
  }
}

/**
 * Merges large segments, one after the other, each in a thread of its own that ends with it. It reads its children in pieces and
 * gives its own away in pieces, so it needs some megabytes, and what the outlines take.
 */
export class SegmentMerger {
  #worker: Worker | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /**
   * What of the merged segment is to be published when every block was staged. Rejects as `read` and `stage` do, and with SegmentLost,
   * MergeTooLarge and MergerClosed.
   */
  merge(job: MergeJob): Promise<StoredSegment> {
    if (job.isAwaited) this.#worker?.ref(); // then so is the one before it
    const merged = this.#turn.then(() => this.#merged(job));
    this.#turn = merged.catch(() => undefined);
    return merged;
  }

  /** Ends a merge where it is, awaited or not: it rejects with MergerClosed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  async #merged(job: MergeJob): Promise<StoredSegment> {
    if (this.#isClosed) throw new MergerClosed();
    const { port1: port, port2 } = new MessageChannel();
    const signal = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const workerData: MergerData = { children: job.children, port: port2, signal, isBackground: !job.isAwaited };
    const module = new URL("./segment-merger-worker.js", import.meta.url);
    const worker = new Worker(module, { workerData, transferList: [port2] });
    if (!job.isAwaited) worker.unref();
    this.#worker = worker;
    try {
      return await new Promise<StoredSegment>((resolve, reject) => {
        worker.on("error", reject);
        const take = (call: MergerCall): void => {
          if (call.kind === "merged") resolve(call.segment);
          else if (call.kind === "failed") reject(mergeError(call, job));
          else reply(call, job, { port, signal }).catch(reject);
        };
        worker.on("exit", () => {
          const last: { readonly message: MergerCall } | undefined = receiveMessageOnPort(port); // may be heard of later
          if (last !== undefined) take(last.message);
          reject(this.#isClosed ? new MergerClosed() : new Error("the thread that merges the search index has ended"));
        });
        port.on("message", take);
        if (!job.isAwaited) port.unref();
      });
    } finally {
      this.#worker = undefined;
      port.close();
      await worker.terminate();
    }
  }
}

async function reply(
  call: MergerCall & { readonly kind: "read" | "stage" },
  { read, stage }: MergeJob,
  { port, signal }: Pick<MergerData, "port" | "signal">,
): Promise<void> {
  if (call.kind === "read") {
    const blocks = packed(await read(call.child, call.first, call.count));
    const message: MergerReply = { kind: "blocks", blocks };
    port.postMessage(message, [blocks.bytes.buffer]);
  } else {
    const data = unpacked(call.blocks);
    await stage(call.numbers.map((block, place) => ({ block, data: data[place] ?? new Uint8Array() })));
    const message: MergerReply = { kind: "staged" };
    port.postMessage(message);
  }
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
}

/** What a merge rejects with, by what its thread says of it. */
export function mergeError(
  { reason, fault }: Pick<MergerCall & { readonly kind: "failed" }, "reason" | "fault">,
  { children }: Pick<MergeJob, "children">,
): Error {
  if (fault?.kind === "too-large") return new MergeTooLarge();
  const damaged = fault && children[fault.child];
  return damaged === undefined ? new Error(reason) : new SegmentLost(damaged);
}
