import { EVENT_FIELDS, fieldText, type AuditEvent, type EventField } from "../core/event.js";
import { jsonWords, words } from "./words.js";

/** An event as search sees it: per field that is present, its words and its whole value. */
export type SearchableEvent = { readonly [field in EventField]?: SearchableField };

export interface SearchableField {
  /** The field's words with one blank before, between and after: a phrase is in the field if ` phrase ` is in here. */
  readonly words: string;
  /** The whole value; an object is its canonical text. */
  readonly value: string;
}

/** Cuts an event into words once, so that it can be matched many times. */
export function searchable(event: AuditEvent): SearchableEvent {
  const fields: { [field in EventField]?: SearchableField } = {};
  for (const field of EVENT_FIELDS) {
    const value = event[field];
    if (value === undefined) continue;
    const text = fieldText(value);
    const found = typeof value === "string" ? words(text) : jsonWords(text);
    fields[field] = { words: ` ${found.join(" ")} `, value: text };
  }
  return fields;
}

/** The words of one field of an event, in order; none where the field is absent. An object's are its keys and values in canonical order. */
export function eventWords(event: AuditEvent, field: EventField): readonly string[] {
  const value = event[field];
  if (value === undefined) return [];
  return typeof value === "string" ? words(value) : jsonWords(fieldText(value));
}
