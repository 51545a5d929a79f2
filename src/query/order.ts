import { fieldText, type AuditEvent, type EventField } from "../core/event.js";
import { instantText } from "../core/instant.js";
import { eventTime } from "../core/segment/event-time.js";

/** The fields that results can be sorted by; `received_at` is the leaf order. */
export const ORDER_FIELDS = [
  "received_at",
  "actor",
  "action",
  "message",
  "source",
  "status",
  "target",
  "timestamp",
] as const;

export type OrderField = (typeof ORDER_FIELDS)[number];

export interface EntryOrder {
  readonly field: OrderField;
  readonly direction: "asc" | "desc";
}

export const NEWEST_FIRST: EntryOrder = Object.freeze({ field: "received_at", direction: "desc" });

/**
 * Fields are sorted by their first 128 characters, without U+0000, in code point order, `timestamp` by its instant; ties are
 * broken by leaf index.
 */
export const SORT_KEY_CHARACTERS = 128;

/** With the `u` flag a dot is a whole character, never half a surrogate pair. */
const FIRST_CHARACTERS = new RegExp(`^.{0,${SORT_KEY_CHARACTERS}}`, "su");

export type SortedField = Extract<OrderField, EventField>;

/**
 * An event's sort key: the field's first characters, or those of its canonical text; empty where the field is absent. Of
 * `timestamp` its instant, in a spelling whose order is that of time; empty where it cannot be read.
 */
export function sortKey(event: AuditEvent, field: SortedField): string {
  const value = event[field];
  if (value === undefined) return "";
  if (field === "timestamp") return timeKey(fieldText(value));
  // PostgreSQL's text cannot hold U+0000, and all engines must sort alike.
  const text = fieldText(value).replaceAll("\0", "");
  return FIRST_CHARACTERS.exec(text)?.[0] ?? "";
}

function timeKey(text: string): string {
  const instant = eventTime(text);
  return (instant && instantText(instant)) ?? "";
}
