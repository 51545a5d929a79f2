import { hash } from "node:crypto";
import { parseEnvelope } from "../../core/envelope.js";
import { EVENT_FIELDS, fieldText, type AuditEvent, type EventField } from "../../core/event.js";
import { ORDER_FIELDS, sortKey, type SortedField } from "../../query/order.js";
import { eventWords } from "../../query/searchable.js";
import type { StoredEntry } from "../../audit/store.js";

/** The fields that results can be sorted by, in the order of their columns in `docs`. */
export const SORTED_FIELDS: readonly SortedField[] = ORDER_FIELDS.filter((field) => field !== "received_at");

/** What search looks at of an entry. */
export type IndexedEntry = Pick<StoredEntry, "leafIndex" | "canonical" | "leafHash">;

/** What search keeps of an entry. */
export interface Document {
  readonly leafIndex: number;
  /**
   * One section per EVENT_FIELDS with the field's words in order, and a last one with the terms of whole values and of the
   * leaf; `|` between sections, one blank before and after each word and each `|`. A phrase stands in here as ` a b `, in one section.
   */
  readonly terms: string;
  /** The words in `terms`, duplicates included. */
  readonly words: readonly string[];
  /** One per SORTED_FIELDS. */
  readonly sortKeys: readonly string[];
}

const SECTION_END = "|";

/** The fields' places in a document are in databases: a change of their order needs a new step of the schema. */
export function sectionOf(field: EventField): number {
  return EVENT_FIELDS.indexOf(field) + 1;
}

/** 132 bits of a hash: two values that share them cannot be found, and a term stays short. */
const VALUE_CHARACTERS = 22;

/** An entry that is no envelope, because someone changed it, has no words. */
const WORDLESS: AuditEvent = { message: "" };

/** The term of a field's whole value. It begins as no word does, so that no word and no prefix of one can match it. */
export function valueTerm(field: EventField, value: string): string {
  return `=${sectionOf(field)}=${hash("sha256", value, "base64url").slice(0, VALUE_CHARACTERS)}`;
}

/** The term of a leaf hash of 32 bytes. */
export function leafTerm(leafHash: Uint8Array): string {
  return `#${Buffer.from(leafHash).toString("base64url")}`;
}

export function documentOf({ leafIndex, canonical, leafHash }: IndexedEntry): Document {
  const event = parseEnvelope(canonical)?.event ?? WORDLESS;
  const words = EVENT_FIELDS.map((field) => eventWords(event, field));
  return {
    leafIndex,
    terms: [...words, [...valueTerms(event), leafTerm(leafHash)]].map(section).join(SECTION_END),
    words: words.flat(),
    sortKeys: SORTED_FIELDS.map((field) => sortKey(event, field)),
  };
}

function section(terms: readonly string[]): string {
  return terms.length === 0 ? " " : ` ${terms.join(" ")} `;
}

function valueTerms(event: AuditEvent): readonly string[] {
  return EVENT_FIELDS.flatMap((field) => {
    const value = event[field];
    return value === undefined ? [] : [valueTerm(field, fieldText(value))];
  });
}
