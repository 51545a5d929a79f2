import type { RequestReceipt } from "../../audit/store.js";
import type { TreeEdge } from "../../core/tree.js";
import { areAskedFor } from "../log/keyed-appends.js";
import { isPlaced, isSealedReceipt } from "../log/seals.js";
import { EntryReader } from "../tree/entries.js";
import type { TreeSource } from "../tree/signed-tree.js";
import type { Finding } from "./finding.js";

export interface RequestsCheck {
  readonly source: TreeSource;
  /** The edge of the tree that the log signed; undefined if nothing stored leads to it. */
  readonly edge: TreeEdge | undefined;
}

const RECEIPTS_AT_ONCE = 1_000;

/** Yields every receipt of a log that was changed. */
export async function* changedRequests(check: RequestsCheck): AsyncGenerator<Finding> {
  const { source } = check;
  const reader = new EntryReader(source);
  for (let key: Uint8Array | undefined = new Uint8Array(0); key !== undefined;) {
    const page: readonly RequestReceipt[] = await source.store.receiptsBehind(source.log, key, RECEIPTS_AT_ONCE);
    for (const receipt of page) {
      if (!(await isGenuine(check, reader, receipt))) yield { kind: "receipt-changed", name: hex(receipt.key) };
    }
    key = page.at(-1)?.key;
  }
}

/** A receipt of an earlier version has no seal: its entries must match its request digest. */
async function isGenuine(
  { source, edge }: RequestsCheck,
  reader: EntryReader,
  receipt: RequestReceipt,
): Promise<boolean> {
  if (receipt.seal !== undefined && !isSealedReceipt(source.key, receipt)) return false;
  if (edge === undefined) return true;
  if (!isPlaced(receipt, edge.size)) return false;
  if (receipt.seal !== undefined) return true;
  const { firstIndex, count, requestDigest } = receipt;
  const leafIndexes = Array.from({ length: count }, (_, place) => firstIndex + place);
  const outcomes = await reader.read(leafIndexes, edge);
  const entries = outcomes.flatMap((outcome) => (outcome.kind === "entry" ? [outcome.entry] : []));
  return areAskedFor(requestDigest, entries, source.format);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
