import { utf8, type Sha256 } from "../bytes.js";
import { EVENT_FIELDS, takesJson, type EventField } from "../event.js";

/**
 * Terms are what a segment's dictionary lists, in the order of their bytes (segment format 1). `f` is 1 + the field's
 * place in EVENT_FIELDS:
 *
 * - a word: `utf8(word) 00 f`, so that all fields of a word, and all words of a prefix, are neighbours
 * - a whole value: `01 f utf8(value)` up to MAX_RAW_VALUE_BYTES; else, and always for message, new and old, `03 f` and
 *   the first 12 bytes of the value's SHA-256
 * - a leaf: `02` and the first 6 bytes of its hash
 * - that a field is present: `04 f`
 */
export const TermTag = { value: 1, leaf: 2, hashedValue: 3, presence: 4 } as const;

export const MAX_RAW_VALUE_BYTES = 255;
export const VALUE_HASH_BYTES = 12;
export const LEAF_HASH_BYTES = 6;
/** A word or value, and two bytes that say what it is. */
export const MAX_TERM_BYTES = 257;

const NUMBER_OF_FIELD: ReadonlyMap<string, number> = new Map(EVENT_FIELDS.map((field, place) => [field, 1 + place]));

/** 1 to 10: the field's place in every term. */
export function fieldNumber(field: EventField): number {
  return NUMBER_OF_FIELD.get(field) ?? 0;
}

/** The term of a word, cut as `words` cuts it, in a field. */
export function wordTerm(word: string, field: EventField): Uint8Array {
  return Uint8Array.of(...utf8(word), 0, fieldNumber(field));
}

/** The term of a field's whole value: a text, or the canonical text of other JSON. */
export function valueTerm(value: string, field: EventField, sha256: Sha256): Uint8Array {
  const bytes = utf8(value);
  return isRawValue(bytes.length, field)
    ? Uint8Array.of(TermTag.value, fieldNumber(field), ...bytes)
    : Uint8Array.of(TermTag.hashedValue, fieldNumber(field), ...sha256(bytes).subarray(0, VALUE_HASH_BYTES));
}

/** Whether the dictionary holds such a value itself, and not its hash. */
export function isRawValue(bytes: number, field: EventField): boolean {
  return bytes <= MAX_RAW_VALUE_BYTES && !takesJson(field);
}

/** The term of a leaf. Leaves whose hashes begin alike share it: compare the entry's hash. */
export function leafTerm(leafHash: Uint8Array): Uint8Array {
  return Uint8Array.of(TermTag.leaf, ...leafHash.subarray(0, LEAF_HASH_BYTES));
}

/** The term of every entry that has a field. */
export function presenceTerm(field: EventField): Uint8Array {
  return Uint8Array.of(TermTag.presence, fieldNumber(field));
}
