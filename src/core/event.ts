import type { JsonObject } from "./json.js";

/** Every field of an event, by its hashed name. */
export const EVENT_FIELDS = [
  "message",
  "actor",
  "action",
  "new",
  "old",
  "source",
  "status",
  "target",
  "timestamp",
  "tenant_id",
] as const;

export type EventField = (typeof EVENT_FIELDS)[number];

/** What message, new and old hold: text, or a JSON object that stays an object. */
export type EventText = string | JsonObject;

/** What the user says happened. Absent fields are absent: there are no nulls here. */
export interface AuditEvent {
  readonly message: EventText;
  readonly actor?: string;
  readonly action?: string;
  readonly new?: EventText;
  readonly old?: EventText;
  readonly source?: string;
  readonly status?: string;
  readonly target?: string;
  readonly timestamp?: string;
  readonly tenant_id?: string;
}

/** What is hashed: the event, when it was received, and the caller's signature if there is one. */
export interface Envelope {
  readonly event: AuditEvent;
  /** RFC 3339 UTC with exactly six fractional digits and `Z`. */
  readonly received_at: string;
  readonly signature?: string;
  readonly public_key?: string;
}

/** One bad path of an input: where, what would have been right, what came. */
export interface FieldProblem {
  /** Dotted, with indexes in brackets: `events[3].actor`. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
}
