import type {
  BulkClaim,
  BulkEnd,
  BulkPlace,
  BulkQueue,
  ClaimedBulk,
  EnqueueOutcome,
  KeptBulk,
  NewBulk,
  StoredBulk,
} from "../../audit/bulk-queue.js";
import type { BulkTableProtocol } from "./bulk-table.js";
import type { WorkerChannel } from "./worker-channel.js";

/** Passes what is asked of the queue to the thread that writes the log file. */
export class SqliteBulkQueue implements BulkQueue {
  readonly #writer: Pick<WorkerChannel<BulkTableProtocol>, "call">;

  constructor(writer: Pick<WorkerChannel<BulkTableProtocol>, "call">) {
    this.#writer = writer;
  }

  enqueue(bulk: NewBulk, maxWaitingBytes: number): Promise<EnqueueOutcome> {
    const requestDigest = new Uint8Array(bulk.requestDigest);
    return this.#writer.call("enqueueBulk", { ...bulk, requestDigest, maxWaitingBytes });
  }

  claim(claim: BulkClaim): Promise<readonly ClaimedBulk[]> {
    return this.#writer.call("claimBulks", claim);
  }

  finish({ log, name }: BulkPlace, end: BulkEnd): Promise<void> {
    return this.#writer.call("finishBulk", { log, name, ...end });
  }

  find({ log, name }: BulkPlace, owner: string): Promise<StoredBulk | undefined> {
    return this.#writer.call("findBulk", { log, name, owner });
  }

  listBehind({ log, name }: BulkPlace, limit: number): Promise<readonly KeptBulk[]> {
    return this.#writer.call("listBulks", { log, name, limit });
  }

  waitingBytes(log: string): Promise<number> {
    return this.#writer.call("waitingBulkBytes", log);
  }

  removeExpired(nowMs: number): Promise<void> {
    return this.#writer.call("removeExpiredBulks", nowMs);
  }
}
