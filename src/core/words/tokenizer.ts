import { utf8, type Sha256 } from "../bytes.js";
import { isDigit } from "./canonical-scan.js";
import { entryTerms, hasCustomFields, type IndexedEntry, type TermSink } from "./entry-terms.js";
import { membersOf, type Member } from "./scanned-members.js";
import {
  isRawValue,
  LEAF_HASH_BYTES,
  MAX_TERM_BYTES,
  TermTag,
  VALUE_HASH_BYTES,
  MAX_WORD_CHARACTERS,
  valuePrefix,
} from "./words.js";

const MINUS = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const LETTER_T = 0x74;
const LETTER_Z = 0x7a;
/** How far before the T of RFC 3339 the digits of its date stand. */
const DATE_DIGITS = [1, 2, 4, 5, 7, 8, 9, 10];
const MAX_FRACTION_DIGITS = 9;

/** For each byte: its lower case if it is an ASCII letter or digit, else 0. */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9a-z]/i.test(String.fromCharCode(byte)) && byte < 0x80
    ? String.fromCharCode(byte).toLowerCase().charCodeAt(0)
    : 0,
);

function isStandard({ key }: Member): boolean {
  return key.length === 1;
}

/**
 * Gives the same as `entryTerms`, apart from the order of the fields, at a fraction of its cost: canonical bytes are cut
 * where they lie, as long as they are ASCII without escapes. A value that is not is decoded; an entry that is not what
 * canonical JSON writes goes through the definition.
 */
export class EntryTokenizer {
  readonly #scratch = new Uint8Array(MAX_TERM_BYTES);

  constructor(
    private readonly sha256: Sha256,
    private readonly sink: TermSink,
  ) {}

  add(entry: IndexedEntry): void {
    const members = membersOf(entry.canonical);
    if (members === undefined) {
      entryTerms(entry, this.sha256, this.sink);
      return;
    }
    this.#leaf(entry.leafHash);
    const isAllStandard = members.every(isStandard);
    const known = isAllStandard || hasCustomFields(entry, this.sha256) ? members : members.filter(isStandard);
    for (const member of known) {
      this.#whole(member);
      if (member.words === undefined) this.#cut(member);
      else this.#encode(member.words, member.key);
      this.sink.value(member.field, member.bytes);
    }
  }

  #whole({ field, key, bytes }: Member): void {
    this.#tagged(TermTag.presence, key);
    const prefix = valuePrefix(key);
    if (isRawValue(bytes.length, field)) this.#tagged(TermTag.value, prefix, bytes);
    else this.#tagged(TermTag.hashedValue, prefix, this.sha256(bytes).subarray(0, VALUE_HASH_BYTES));
  }

  #leaf(hash: Uint8Array): void {
    this.#scratch[0] = TermTag.leaf;
    for (let i = 0; i < LEAF_HASH_BYTES; i++) this.#scratch[1 + i] = hash[i] ?? 0;
    this.sink.term(this.#scratch, 1 + LEAF_HASH_BYTES, -1);
  }

  #tagged(tag: number, key: Uint8Array, bytes?: Uint8Array): void {
    const scratch = this.#scratch;
    scratch[0] = tag;
    scratch.set(key, 1);
    let length = 1 + key.length;
    if (bytes !== undefined) {
      for (let i = 0; i < bytes.length; i++) scratch[length + i] = bytes[i] ?? 0;
      length += bytes.length;
    }
    this.sink.term(scratch, length, -1);
  }

  /** `words` over ASCII bytes without backslashes and percent signs. */
  #cut({ bytes, key }: Member): void {
    const scratch = this.#scratch;
    let position = 0;
    let length = 0;
    for (let at = 0; at < bytes.length; at++) {
      const lower = LOWER[bytes[at] ?? 0] ?? 0;
      if (
        length > 0 &&
        (lower === 0 ||
          (lower === LETTER_T && isDateAndTime(bytes, at)) ||
          (lower === LETTER_Z && isTimeAndZulu(bytes, at)))
      ) {
        this.#word(length, key, position++);
        length = 0;
        if (lower === LETTER_T) continue;
      }
      if (lower === 0) continue;
      if (length < MAX_WORD_CHARACTERS) scratch[length] = lower;
      length += 1;
    }
    if (length > 0) this.#word(length, key, position);
  }

  #word(length: number, key: Uint8Array, position: number): void {
    const cut = length < MAX_WORD_CHARACTERS ? length : MAX_WORD_CHARACTERS;
    this.#end(cut, key, position);
  }

  /** Ends the word that fills the scratch so far. */
  #end(length: number, key: Uint8Array, position: number): void {
    const scratch = this.#scratch;
    scratch[length] = 0;
    for (let i = 0; i < key.length; i++) scratch[length + 1 + i] = key[i] ?? 0;
    this.sink.term(scratch, length + 1 + key.length, position);
  }

  #encode(found: readonly string[], key: Uint8Array): void {
    found.forEach((word, position) => {
      const bytes = utf8(word);
      this.#scratch.set(bytes);
      this.#end(bytes.length, key, position);
    });
  }
}

/** Whether the T here stands between `dddd-dd-dd` and a digit. */
function isDateAndTime(bytes: Uint8Array, at: number): boolean {
  if (!isDigit(bytes[at + 1]) || bytes[at - 3] !== MINUS || bytes[at - 6] !== MINUS) return false;
  return DATE_DIGITS.every((back) => isDigit(bytes[at - back]));
}

/** Whether the Z here ends `:dd` or `:dd.` and one to nine digits, and no letter or digit follows. */
function isTimeAndZulu(bytes: Uint8Array, at: number): boolean {
  if (LOWER[bytes[at + 1] ?? 0] !== 0) return false;
  let digits = 0;
  while (digits <= MAX_FRACTION_DIGITS && isDigit(bytes[at - 1 - digits])) digits += 1;
  const before = at - 1 - digits;
  if (digits === 2 && bytes[before] === COLON) return true;
  if (digits === 0 || digits > MAX_FRACTION_DIGITS || bytes[before] !== DOT) return false;
  return isDigit(bytes[before - 1]) && isDigit(bytes[before - 2]) && bytes[before - 3] === COLON;
}
