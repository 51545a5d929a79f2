import { membershipClaim } from "../core/claim.js";
import type { JsonObject } from "../core/json.js";
import { customObject } from "../core/custom-field.js";
import { EVENT_FIELDS, fieldText, type AuditEvent, type EventField, type FieldName } from "../core/event.js";
import type { EntryProof } from "../audit/proofs.js";
import type { Entry, TreeEntry } from "../audit/service.js";

/** The GraphQL API's name of an event's field. */
export function fieldName(field: EventField): string {
  return field === "tenant_id" ? "tenantId" : field;
}

/**
 * The columns of a table of entries, those of the log's own fields after those of every event; an entry that cannot be shown
 * has only an index and an error.
 */
export function columns(custom: readonly FieldName[] = []): readonly string[] {
  const own = custom.map((field) => `custom.${field}`);
  return ["leafIndex", "hash", "receivedAt", ...EVENT_FIELDS.map(fieldName), ...own, "signature", "publicKey", "error"];
}

const CORRUPT = "ENTRY_CORRUPT";

/** The values of `columns`. JSON other than text as its canonical JSON; absent values as the empty text. */
export function cells(row: TreeEntry, custom: readonly FieldName[] = []): readonly string[] {
  if (row.kind === "entry") return entryCells(row.entry, custom);
  const known: Readonly<Record<string, string>> = { leafIndex: String(row.leafIndex), error: CORRUPT };
  return columns(custom).map((column) => known[column] ?? "");
}

function entryCells({ leafIndex, hash, envelope }: Entry, custom: readonly FieldName[]): readonly string[] {
  const { event, received_at, signature = "", public_key = "" } = envelope;
  const fields = [...EVENT_FIELDS, ...custom].map((field) => fieldText(event[field] ?? ""));
  return [String(leafIndex), hash, received_at, ...fields, signature, public_key, ""];
}

/** An entry as the GraphQL API shows it, without absent values; `canonical` is the exact text that was hashed. */
export function entryObject(row: TreeEntry, proof?: EntryProof): JsonObject {
  if (row.kind === "corrupt") return { leafIndex: row.leafIndex, error: CORRUPT };
  const { leafIndex, hash, canonical, envelope } = row.entry;
  const { event, received_at, err, signature, public_key } = envelope;
  return {
    leafIndex,
    hash,
    receivedAt: received_at,
    event: eventObject(event),
    ...(err !== undefined && { malformed: err }),
    ...(signature !== undefined && { signature }),
    ...(public_key !== undefined && { publicKey: public_key }),
    canonical,
    ...(proof !== undefined && { membershipProof: proofObject(proof) }),
  };
}

/** With its text in place of the path, where the path alone does not say it. */
function proofObject(proof: EntryProof): JsonObject {
  const { path, ...claim } = membershipClaim(proof);
  return { ...claim, ...(proof.text === undefined ? { path } : { text: proof.text }) };
}

function eventObject(event: AuditEvent): JsonObject {
  const given = EVENT_FIELDS.flatMap((field) => {
    const value = event[field];
    return value === undefined ? [] : [[fieldName(field), value] as const];
  });
  const custom = customObject(event);
  return { ...Object.fromEntries(given), ...(custom && { custom }) };
}
