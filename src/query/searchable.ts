import { EVENT_FIELDS, fieldText, type AuditEvent, type EventField } from "../core/event.js";

type FieldValue = Parameters<typeof fieldText>[0];

import { jsonWords, words } from "./words.js";

/** An event as search sees it: per field that is present, its words and its whole value. */
export type SearchableEvent = { readonly [field in EventField]?: SearchableField };

export interface SearchableField {
  /** The field's words with one blank before, between and after: a phrase is in the field if ` phrase ` is in here. */
  readonly words: string;
  /** The whole value; other JSON is its canonical text. */
  readonly value: string;
}

/** An event, to be matched any number of times: a field is cut into words once, when somebody looks at them. */
export function searchable(event: AuditEvent): SearchableEvent {
  const fields: { [field in EventField]?: SearchableField } = {};
  for (const field of EVENT_FIELDS) {
    const value = event[field];
    if (value !== undefined) fields[field] = searchableField(value);
  }
  return fields;
}

function searchableField(value: FieldValue): SearchableField {
  const text = fieldText(value);
  let found: string | undefined;
  return {
    value: text,
    get words() {
      return (found ??= ` ${(typeof value === "string" ? words(text) : jsonWords(text)).join(" ")} `);
    },
  };
}

/** The words of one field of an event, in order; none where the field is absent. Of other JSON, its keys and values in canonical order. */
export function eventWords(event: AuditEvent, field: EventField): readonly string[] {
  const value = event[field];
  if (value === undefined) return [];
  return typeof value === "string" ? words(value) : jsonWords(fieldText(value));
}
