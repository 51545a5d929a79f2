import { AuditError } from "../../audit/errors.js";
import type { LogStore, RequestReceipt } from "../../audit/store.js";
import { equalBytes } from "../../core/bytes.js";

export interface CopyRequestsOptions {
  readonly log: string;
  /** The number of entries copied before; receipts of later ones are left out. */
  readonly size: number;
  readonly from: LogStore;
  readonly to: LogStore;
}

const RECEIPTS_AT_ONCE = 1_000;
/**
 * Copies the receipts of a log, after its entries: a request repeated at the copy finds its first receipt. Existing ones
 * stay, so it can be run again. Returns how many are at the target now. Rejects with CONFLICT when the target has another
 * request under the same key.
 */
export async function copyRequests({ log, size, from, to }: CopyRequestsOptions): Promise<number> {
  let copied = 0;
  for (let key: Uint8Array | undefined = new Uint8Array(0); key !== undefined;) {
    const page: readonly RequestReceipt[] = await from.receiptsBehind(log, key, RECEIPTS_AT_ONCE);
    const receipts = page.filter(({ treeSize }) => treeSize <= size);
    await to.keepReceipts(log, receipts);
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
  const kept = await to.receipts(log, keys);
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

function knownOtherwise(log: string): AuditError {
  return new AuditError(
    "CONFLICT",
    `The requests of the log ${log} cannot be copied there: the target has another request under the same key.`,
  );
}
