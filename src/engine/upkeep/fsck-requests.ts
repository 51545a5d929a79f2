import type { BulkQueue, KeptBulk } from "../../audit/bulk-queue.js";
import { AuditError } from "../../audit/errors.js";
import type { RequestReceipt } from "../../audit/store.js";
import type { TreeEdge } from "../../core/edge.js";
import type { Ed25519 } from "../../core/signature.js";
import { openBulkEnd } from "../bulk/bulk-request.js";
import { checkQueued } from "../bulk/bulk-requests.js";
import { areAskedFor } from "../log/request-key.js";
import { isPlaced, isSealedBulk, isSealedReceipt } from "../log/seals.js";
import { EntryReader } from "../tree/entry-reader.js";
import type { TreeSource } from "../tree/signed-tree.js";
import type { Finding } from "./finding.js";

export interface RequestsCheck {
  readonly source: TreeSource;
  readonly bulkQueue: BulkQueue;
  readonly ed25519: Ed25519;
  /** Of the tree that the log signed; undefined where what is stored does not lead to it. */
  readonly edge: TreeEdge | undefined;
}

const RECEIPTS_AT_ONCE = 1_000;
/** A waiting request has up to 1,000 events. */
const BULKS_AT_ONCE = 16;
/** Nothing is signed with it: the gateway's own signature is not part of a request's digest. */
const NO_SEED = new Uint8Array(32);

/** Yields every receipt and bulk request of a log that was changed. */
export async function* changedRequests(check: RequestsCheck): AsyncGenerator<Finding> {
  const { source, bulkQueue } = check;
  const reader = new EntryReader(source);
  for (let key: Uint8Array | undefined = new Uint8Array(0); key !== undefined;) {
    const page: readonly RequestReceipt[] = await source.store.receiptsBehind(source.log, key, RECEIPTS_AT_ONCE);
    for (const receipt of page) {
      if (!(await isGenuine(check, reader, receipt))) yield { kind: "receipt-changed", name: hex(receipt.key) };
    }
    key = page.at(-1)?.key;
  }
  for (let name: string | undefined = ""; name !== undefined;) {
    const page: readonly KeptBulk[] = await bulkQueue.listBehind({ log: source.log, name }, BULKS_AT_ONCE);
    for (const bulk of page) if (!isAccepted(check, bulk)) yield { kind: "bulk-changed", name: bulk.name };
    name = page.at(-1)?.name;
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

function isAccepted({ source, ed25519 }: RequestsCheck, { end, ...bulk }: KeptBulk): boolean {
  try {
    if (end !== undefined) {
      openBulkEnd(source.key, bulk, end);
      return bulk.body === "" && isSealedBulk(source.key, bulk);
    }
    checkQueued(bulk, source, { seed: NO_SEED, ed25519 });
    return true;
  } catch (error) {
    if (error instanceof AuditError) return false;
    throw error;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
