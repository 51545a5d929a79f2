import { utf8, type Sha256 } from "../bytes.js";
import { EVENT_FIELDS, fieldText, takesJson, type EventValue, type FieldName } from "../event.js";
import { CharacterClass, characterClass, foldedText } from "./characters.js";

/** The edition of this definition. Segments are signed, so a change of any rule here is another edition. */
export const WORDS_EDITION = 2;

/** A word is cut after this many code points, and before the one that would exceed this many bytes of UTF-8. */
export const MAX_WORD_CHARACTERS = 128;
export const MAX_WORD_BYTES = 255;

const ASCII = /^[\0-\x7f]*$/;
const ASCII_WORD = /[a-z0-9]+/g;

/** RFC 3339: the T between a date and a time separates, so that each can be found without the other. */
const DATE_AND_TIME = /(\d{4}-\d\d-\d\d)T(?=\d)/gi;

/** RFC 3339: the Z after a time is a word of its own, so that the time can be found without it. */
const TIME_AND_ZULU = /(:\d\d(?:\.\d{1,9})?)(?=Z(?![0-9A-Za-z]))/gi;

/**
 * An escape of RFC 3986 that stands for ASCII other than a letter or digit, however often its percent sign was escaped;
 * or two or more in a row for other characters, as UTF-8 has them.
 */
const PERCENT_ESCAPE = /%(?:25)*(?:[012][0-9a-f]|3[a-f]|40|5[b-f]|60|7[b-f])|(?:%(?:25)*[89a-f][0-9a-f]){2,}/gi;

/** An escape of JSON that stands in the text itself. */
const UNICODE_ESCAPE = /\\u[0-9a-f]{4}/gi;

/** A letter that means a blank after a backslash in many languages, and may as well begin a name in a path. */
const BLANK_ESCAPES = "nrt";

/**
 * The words of a text, in order, edition 2, for the index and for queries alike: maximal runs of letters, marks and
 * numbers after Unicode's folding, in the pinned version; a character of a script without blanks is a word by itself.
 * Everything else separates, `_` included, and escapes: `%2F`, `\u0026`. What may be an escape or a name, `\nina`, is
 * two words, `nina` and `ina`.
 */
export function words(text: string): readonly string[] {
  const cut = withoutEscapes(text);
  if (!ASCII.test(cut)) return wordsOfFolded(foldedText(cut));
  if (cut.includes("\\")) return wordsOfFolded(cut.toLowerCase());
  return (cut.toLowerCase().match(ASCII_WORD) ?? []).map(cutWord);
}

/**
 * The words of a field. JSON other than text gives its keys, texts and other values in the order of its canonical text;
 * each key and text is cut by itself.
 */
export function valueWords(value: EventValue): readonly string[] {
  return typeof value === "string" ? words(value) : canonicalWords(fieldText(value));
}

/** Like `valueWords`, for JSON other than text, from its canonical text. */
export function canonicalWords(canonical: string): readonly string[] {
  return jsonParts(canonical).flatMap((part) => words(part.startsWith('"') ? (JSON.parse(part) as string) : part));
}

/**
 * A text in quotes, or what is between two. Not a pattern, which would keep a backtracking position for each character.
 */
function jsonParts(canonical: string): readonly string[] {
  const parts: string[] = [];
  for (let start = 0, end = 0; start < canonical.length; start = end) {
    const quote = canonical.indexOf('"', start);
    end = quote < 0 ? canonical.length : quote;
    if (quote === start) {
      for (end = start + 1; end < canonical.length && canonical[end] !== '"'; end++)
        if (canonical[end] === "\\") end += 1;
      end += 1;
    }
    parts.push(canonical.slice(start, end));
  }
  return parts;
}

function withoutEscapes(text: string): string {
  let cut = text;
  if (cut.includes("-")) cut = cut.replace(DATE_AND_TIME, "$1 ");
  if (cut.includes(":")) cut = cut.replace(TIME_AND_ZULU, "$1 ");
  if (cut.includes("%")) cut = cut.replace(PERCENT_ESCAPE, " ");
  return cut.includes("\\") ? cut.replace(UNICODE_ESCAPE, " ") : cut;
}

function wordsOfFolded(text: string): readonly string[] {
  const found: string[] = [];
  let before = "";
  for (let at = 0; at < text.length;) {
    const end = endOfLetters(text, at);
    if (end > at) {
      found.push(cutWord(text.slice(at, end)));
      if (before === "\\" && end - at > 1 && BLANK_ESCAPES.includes(text.charAt(at)))
        found.push(cutWord(text.slice(at + 1, end)));
    }
    if (end === text.length) break;
    const codePoint = text.codePointAt(end) ?? 0;
    at = end + (codePoint > 0xffff ? 2 : 1);
    before = text.slice(end, at);
    if (characterClass(codePoint) === CharacterClass.alone) found.push(before);
  }
  return found;
}

function endOfLetters(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const codePoint = text.codePointAt(at) ?? 0;
    if (characterClass(codePoint) !== CharacterClass.letter) break;
    at += codePoint > 0xffff ? 2 : 1;
  }
  return at;
}

function cutWord(word: string): string {
  if (word.length <= MAX_WORD_CHARACTERS && word.length * MAX_UTF8_BYTES <= MAX_WORD_BYTES) return word;
  let end = 0;
  let bytes = 0;
  let characters = 0;
  for (const character of word) {
    bytes += utf8(character).length;
    characters += 1;
    if (bytes > MAX_WORD_BYTES || characters > MAX_WORD_CHARACTERS) break;
    end += character.length;
  }
  return word.slice(0, end);
}

/** The most that one UTF-16 unit takes in UTF-8. */
const MAX_UTF8_BYTES = 3;

/**
 * Terms are what a segment's dictionary lists, in the order of their bytes (segment format 1). `f` is 1 + the field's
 * place in EVENT_FIELDS, and of a custom field `0b` and its name:
 *
 * - a word: `utf8(word) 00 f`, so that all fields of a word, and all words of a prefix, are neighbours
 * - a whole value: `01 f utf8(value)` up to MAX_RAW_VALUE_BYTES; else, and always for message, new and old, `03 f` and
 *   the first 12 bytes of the value's SHA-256; behind a custom field's name stands `00`
 * - a leaf: `02` and the first 6 bytes of its hash
 * - that a field is present: `04 f`
 */
export const TermTag = { value: 1, leaf: 2, hashedValue: 3, presence: 4 } as const;

export const MAX_RAW_VALUE_BYTES = 255;
export const VALUE_HASH_BYTES = 12;
export const LEAF_HASH_BYTES = 6;
/** A value, and around it a tag, `0b`, a name of 32 bytes and `00`; a word has two bytes less. */
export const MAX_TERM_BYTES = 290;

/** What the name of a custom field follows in a term: more than the number of any other field. */
export const CUSTOM = 1 + EVENT_FIELDS.length;

const KEY_OF_FIELD: ReadonlyMap<string, Uint8Array> = new Map(
  EVENT_FIELDS.map((field, place) => [field, Uint8Array.of(1 + place)]),
);

/** A field as a term has it: one byte, or CUSTOM and a name. */
export function fieldKey(field: FieldName): Uint8Array {
  return KEY_OF_FIELD.get(field) ?? Uint8Array.of(CUSTOM, ...utf8(field));
}

/** The separator between a field and the value after it: a name needs an end. */
export function valuePrefix(key: Uint8Array): Uint8Array {
  return key.length === 1 ? key : Uint8Array.of(...key, 0);
}

/** The term of a word, cut as `words` cuts it, in a field. */
export function wordTerm(word: string, field: FieldName): Uint8Array {
  return Uint8Array.of(...utf8(word), 0, ...fieldKey(field));
}

/** The field of a word's term, as text that is equal for equal fields: what `fieldKey` has, a character for each byte. */
export function fieldInTerm(term: Uint8Array): string {
  const start = term.indexOf(0) + 1;
  // Most keys are one byte, and a prefix has thousands of terms.
  return start === term.length - 1
    ? String.fromCharCode(term[start] ?? 0)
    : String.fromCharCode(...term.subarray(start));
}

/** The term of a field's whole value: a text, or the canonical text of other JSON. */
export function valueTerm(value: string, field: FieldName, sha256: Sha256): Uint8Array {
  const bytes = utf8(value);
  const prefix = valuePrefix(fieldKey(field));
  return isRawValue(bytes.length, field)
    ? Uint8Array.of(TermTag.value, ...prefix, ...bytes)
    : Uint8Array.of(TermTag.hashedValue, ...prefix, ...sha256(bytes).subarray(0, VALUE_HASH_BYTES));
}

/** Whether the dictionary holds such a value itself, and not its hash. */
export function isRawValue(bytes: number, field: FieldName): boolean {
  return bytes <= MAX_RAW_VALUE_BYTES && !takesJson(field);
}

/** The term of a leaf. Leaves whose hashes begin alike share it: compare the entry's hash. */
export function leafTerm(leafHash: Uint8Array): Uint8Array {
  return Uint8Array.of(TermTag.leaf, ...leafHash.subarray(0, LEAF_HASH_BYTES));
}

/** The term of every entry that has a field. */
export function presenceTerm(field: FieldName): Uint8Array {
  return Uint8Array.of(TermTag.presence, ...fieldKey(field));
}
