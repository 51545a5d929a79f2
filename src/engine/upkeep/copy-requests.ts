import type { BulkQueue, KeptBulk } from "../../audit/bulk-queue.js";
import { AuditError } from "../../audit/errors.js";
import type { LogStore, RequestReceipt } from "../../audit/store.js";
import { equalBytes } from "../../core/bytes.js";

/** Where requests are remembered: receipts with their log, bulk requests beside it. */
export interface RequestStores {
  readonly log: LogStore;
  readonly bulkQueue: BulkQueue;
}

export interface CopyRequestsOptions {
  readonly log: string;
  /** The number of entries copied before; receipts of later ones are left out. */
  readonly size: number;
  readonly from: RequestStores;
  readonly to: RequestStores;
}

/** How many are remembered at the target now. */
export interface CopiedRequests {
  readonly receipts: number;
  readonly waitingBulks: number;
  readonly endedBulks: number;
}

const RECEIPTS_AT_ONCE = 1_000;
/** A waiting request has up to 1,000 events. */
const BULKS_AT_ONCE = 16;

/**
 * Copies what a log remembers of earlier requests, after its entries: a request repeated at the copy finds its first
 * receipt, and a waiting bulk request is executed there. Existing ones stay, so it can be run again. Rejects with
 * CONFLICT when the target has another request under the same key.
 */
export async function copyRequests(options: CopyRequestsOptions): Promise<CopiedRequests> {
  // Receipts first: a bulk request that was logged without recording it finds its receipt.
  const receipts = await copyReceipts(options);
  const bulks = { waitingBulks: 0, endedBulks: 0 };
  for await (const bulk of bulksOf(options)) {
    await copyBulk(bulk, options);
    bulks[bulk.end === undefined ? "waitingBulks" : "endedBulks"]++;
  }
  return { receipts, ...bulks };
}

async function copyReceipts({ log, size, from, to }: CopyRequestsOptions): Promise<number> {
  let copied = 0;
  for (let key: Uint8Array | undefined = new Uint8Array(0); key !== undefined;) {
    const page: readonly RequestReceipt[] = await from.log.receiptsBehind(log, key, RECEIPTS_AT_ONCE);
    const receipts = page.filter(({ treeSize }) => treeSize <= size);
    await to.log.keepReceipts(log, receipts);
    await requireKept({ log, to }, receipts);
    copied += receipts.length;
    key = page.at(-1)?.key;
  }
  return copied;
}

async function requireKept(
  { log, to }: Pick<CopyRequestsOptions, "log" | "to">,
  receipts: readonly RequestReceipt[],
): Promise<void> {
  const keys = receipts.map(({ key }) => key);
  const kept = await to.log.receipts(log, keys);
  if (!receipts.every((receipt, place) => isSame(receipt, kept[place]))) throw knownOtherwise(log);
}

function isSame(receipt: RequestReceipt, kept: RequestReceipt | undefined): boolean {
  return (
    kept !== undefined &&
    equalBytes(kept.requestDigest, receipt.requestDigest) &&
    kept.firstIndex === receipt.firstIndex &&
    kept.count === receipt.count &&
    kept.treeSize === receipt.treeSize &&
    (kept.seal === undefined || receipt.seal === undefined || equalBytes(kept.seal, receipt.seal))
  );
}

async function* bulksOf({ log, from }: CopyRequestsOptions): AsyncGenerator<KeptBulk> {
  for (let name: string | undefined = ""; name !== undefined;) {
    const page: readonly KeptBulk[] = await from.bulkQueue.listBehind({ log, name }, BULKS_AT_ONCE);
    yield* page;
    name = page.at(-1)?.name;
  }
}

/** All that waits at the source has been accepted, so the queue's limits do not apply here. */
async function copyBulk({ end, ...bulk }: KeptBulk, { log, to }: CopyRequestsOptions): Promise<void> {
  const outcome = await to.bulkQueue.enqueue(bulk, Number.MAX_SAFE_INTEGER);
  if (outcome.kind === "full" || !equalBytes(outcome.stored.requestDigest, bulk.requestDigest))
    throw knownOtherwise(log);
  if (end !== undefined) await to.bulkQueue.finish(bulk, end);
}

function knownOtherwise(log: string): AuditError {
  return new AuditError(
    "CONFLICT",
    `The requests of the log ${log} cannot be copied there: the target has another request under the same key.`,
  );
}
