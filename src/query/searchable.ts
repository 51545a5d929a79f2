import { EVENT_FIELDS, fieldText, type AuditEvent, type EventField } from "../core/event.js";
import { jsonWords, words } from "./words.js";

type FieldValue = Parameters<typeof fieldText>[0];

/** An event as search sees it: the words and the whole value of each field that is present. */
export type SearchableEvent = { readonly [field in EventField]?: SearchableField };

export interface SearchableField {
  /**
   * The field's words with one blank before, between and after: a phrase is in the field if ` phrase ` is in this text.
   */
  readonly words: string;
  /** The whole value; JSON other than text as its canonical text. */
  readonly value: string;
}

/**
 * Prepares an event to be matched any number of times: each field is serialized and split into words once, on first
 * use.
 */
export function searchable(event: AuditEvent): SearchableEvent {
  const fields: { [field in EventField]?: SearchableField } = {};
  for (const field of EVENT_FIELDS) {
    const value = event[field];
    if (value !== undefined) fields[field] = new FieldSeen(value);
  }
  return fields;
}

/** Lazy because a filter reads few fields, and an object's canonical text costs more than all the rest. */
class FieldSeen implements SearchableField {
  #value: string | undefined;
  #words: string | undefined;

  constructor(private readonly field: FieldValue) {}

  get value(): string {
    return (this.#value ??= fieldText(this.field));
  }

  get words(): string {
    return (this.#words ??= ` ${(typeof this.field === "string" ? words : jsonWords)(this.value).join(" ")} `);
  }
}

/**
 * The words of one field of an event, in order; none where the field is absent. JSON other than text gives its keys and
 * values in canonical order.
 */
export function eventWords(event: AuditEvent, field: EventField): readonly string[] {
  const value = event[field];
  if (value === undefined) return [];
  return typeof value === "string" ? words(value) : jsonWords(fieldText(value));
}
