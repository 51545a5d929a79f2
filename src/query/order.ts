import type { EventField } from "../core/event.js";

/** What results can be sorted by; `received_at` is the leaf order. */
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

/** Fields are sorted by their first 128 characters, compared by code point; the leaf index breaks ties. */
export const SORT_KEY_CHARACTERS = 128;

export type SortedField = Extract<OrderField, EventField>;
