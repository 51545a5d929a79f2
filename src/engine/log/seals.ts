import type { NewBulk, StoredBulk } from "../../audit/bulk-queue.js";
import { MAX_REQUEST_EVENTS } from "../../audit/service.js";
import type { RequestReceipt } from "../../audit/store.js";
import type { LogKey } from "../../keys/log-key.js";

/** What is sealed of a receipt: all of it. */
export type UnsealedReceipt = Omit<RequestReceipt, "seal">;

/** A receipt stands beside the tree, which does not cover it: only the key's holder can have written it. */
export function sealedReceipt(key: LogKey, receipt: UnsealedReceipt): RequestReceipt {
  return { ...receipt, seal: key.seal("receipt", receiptValues(receipt)) };
}

/** Whether a receipt is as it was written; one of an earlier version has no seal. */
export function isSealedReceipt(key: LogKey, receipt: RequestReceipt): boolean {
  return key.isSealed("receipt", receiptValues(receipt), receipt.seal);
}

/** Whether the entries that a receipt names can be a request's in a tree of `size`. */
export function isPlaced({ firstIndex, count, treeSize }: UnsealedReceipt, size: number): boolean {
  const isRequest = count >= 1 && count <= MAX_REQUEST_EVENTS && firstIndex >= 0;
  return isRequest && firstIndex + count <= treeSize && treeSize <= size;
}

/** The body is not sealed: its digest is, and it is dropped when the request has ended. */
export function sealedBulk(key: LogKey, bulk: Omit<NewBulk, "seal">): NewBulk {
  return { ...bulk, seal: key.seal("bulk request", bulkValues(bulk)) };
}

/** Whether a queued request, but for its body and its end, is as it was accepted. */
export function isSealedBulk(key: LogKey, bulk: Omit<StoredBulk, "end">): boolean {
  return key.isSealed("bulk request", bulkValues(bulk), bulk.seal);
}

function receiptValues({ key, requestDigest, firstIndex, count, treeSize }: UnsealedReceipt) {
  return [hex(key), hex(requestDigest), firstIndex, count, treeSize];
}

function bulkValues({ name, owner, requestDigest, bytes, acceptedAtMs }: Omit<NewBulk, "seal" | "body">) {
  return [name, owner, hex(requestDigest), bytes, acceptedAtMs];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
