import { readEnvelope } from "../src/core/format.js";
import type { MembershipClaim } from "../src/core/claim.js";
import type { Json } from "../src/core/json.js";
import type { EntryTextFragment, ProofPathFragment } from "./generated/operations.js";

/**
 * An entry as the page shows it. Everything shown is read from `canonical`, the text that was hashed: what the lock speaks of
 * is what people see.
 */
export interface Entry {
  readonly leafIndex: number;
  readonly hash: string;
  readonly canonical: string;
  /** RFC 3339, UTC; the empty text where `canonical` is no entry. */
  readonly receivedAt: string;
  readonly event: Readonly<Record<string, Json>>;
  readonly signature: string | undefined;
  readonly proof: MembershipClaim | undefined;
  /** The log's signed statement of the tree that the proof is in. */
  readonly checkpoint: string | undefined;
}

export function readEntry(
  { leafIndex, hash, canonical }: EntryTextFragment,
  proven: { readonly proof?: ProofPathFragment | null | undefined; readonly checkpoint?: string | undefined } = {},
): Entry {
  const envelope = readEnvelope(canonical);
  return {
    ...{ leafIndex, hash, canonical },
    receivedAt: envelope?.received_at ?? "",
    event: envelope === undefined ? {} : { ...envelope.event },
    signature: envelope?.signature,
    proof: proven.proof ?? undefined,
    checkpoint: proven.checkpoint,
  };
}

/** One line of text for a value of an event. */
export function textOf(value: Json | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A value as people read it: text as it is, JSON in lines. A log of the format pangea keeps objects as text of JSON. */
export function prettyOf(value: Json): string {
  const read = objectOf(value);
  return typeof read === "string" ? read : JSON.stringify(read, null, 2);
}

/** The object or list that a text holds; any other value as it is. */
export function objectOf(value: Json): Json {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return value;
  }
}

/** `2026-03-01 12:30:05.123` of an RFC 3339 time in UTC: the same width for all. */
export function shortTime(receivedAt: string): string {
  return receivedAt.replace("T", " ").slice(0, 23);
}

/** A query for the entries in which a field has exactly this value. */
export function queryFor(field: string, value: string): string {
  return `${field}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
