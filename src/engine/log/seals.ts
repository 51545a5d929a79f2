import { MAX_REQUEST_EVENTS } from "../../audit/service.js";
import type { RequestReceipt } from "../../audit/store.js";
import type { LogKey } from "../../keys/log-key.js";

/** The sealed part of a receipt: all of it. */
export type UnsealedReceipt = Omit<RequestReceipt, "seal">;

/** Seals a receipt: the tree does not cover it, and only the key's holder can make the seal. */
export function sealedReceipt(key: LogKey, receipt: UnsealedReceipt): RequestReceipt {
  return { ...receipt, seal: key.seal("receipt", receiptValues(receipt)) };
}

/** Whether a receipt is unchanged; one of an earlier version has no seal. */
export function isSealedReceipt(key: LogKey, receipt: RequestReceipt): boolean {
  return key.isSealed("receipt", receiptValues(receipt), receipt.seal);
}

/** Whether a receipt can describe entries of a tree of `size`. */
export function isPlaced({ firstIndex, count, treeSize }: UnsealedReceipt, size: number): boolean {
  const isRequest = count >= 1 && count <= MAX_REQUEST_EVENTS && firstIndex >= 0;
  return isRequest && firstIndex + count <= treeSize && treeSize <= size;
}

function receiptValues({ key, requestDigest, firstIndex, count, treeSize }: UnsealedReceipt) {
  return [hex(key), hex(requestDigest), firstIndex, count, treeSize];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
