import { EVENT_FIELDS, fieldText, type AuditEvent, type EventField, type EventValue } from "../core/event.js";
import { valueWords } from "../core/words/words.js";

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

  constructor(private readonly field: EventValue) {}

  get value(): string {
    return (this.#value ??= fieldText(this.field));
  }

  get words(): string {
    return (this.#words ??= ` ${valueWords(this.field).join(" ")} `);
  }
}
