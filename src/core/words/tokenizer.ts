import { utf8, utf8Text, type Sha256 } from "../bytes.js";
import { EVENT_FIELDS, fieldText, takesJson, type EventField, type EventValue } from "../event.js";
import { canonicalJson } from "../json.js";
import { CanonicalScan, isDigit } from "./canonical-scan.js";
import { entryTerms, type IndexedEntry, type TermSink } from "./entry-terms.js";
import {
  fieldNumber,
  isRawValue,
  LEAF_HASH_BYTES,
  MAX_TERM_BYTES,
  TermTag,
  VALUE_HASH_BYTES,
  canonicalWords,
  MAX_WORD_CHARACTERS,
  words,
} from "./words.js";

const EVENT = utf8('{"event":{');
const PUBLIC_KEY = utf8(',"public_key":');
const RECEIVED_AT = utf8(',"received_at":');
const SIGNATURE = utf8(',"signature":');

/** A time of receipt; every 0 stands for a digit. */
const RECEIVED_AT_SHAPE = utf8("0000-00-00T00:00:00.000000Z");

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const LETTER_T = 0x74;
const LETTER_Z = 0x7a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** How far before the T of RFC 3339 the digits of its date stand. */
const DATE_DIGITS = [1, 2, 4, 5, 7, 8, 9, 10];
const MAX_FRACTION_DIGITS = 9;

/** The fields in the order of canonical JSON, each with its name as a key. */
const MEMBERS = [...EVENT_FIELDS]
  .sort()
  .map((field) => ({ field, key: utf8(`"${field}":`), number: fieldNumber(field) }));

/** Of each byte: what it is in lower case if it is an ASCII letter or digit, else 0. */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9a-z]/i.test(String.fromCharCode(byte)) && byte < 0x80
    ? String.fromCharCode(byte).toLowerCase().charCodeAt(0)
    : 0,
);

interface Member {
  readonly field: EventField;
  readonly number: number;
  /** The value's text as UTF-8: without quotes, canonical. */
  readonly bytes: Uint8Array;
  /** Its words; undefined where `bytes` may be cut as they lie. */
  readonly words: readonly string[] | undefined;
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
    for (const member of members) {
      this.#whole(member);
      if (member.words === undefined) this.#cut(member);
      else this.#encode(member.words, member.number);
      this.sink.value(member.field, member.bytes);
    }
  }

  #whole({ field, number, bytes }: Member): void {
    this.#tagged(TermTag.presence, number);
    if (isRawValue(bytes.length, field)) this.#tagged(TermTag.value, number, bytes);
    else this.#tagged(TermTag.hashedValue, number, this.sha256(bytes).subarray(0, VALUE_HASH_BYTES));
  }

  #leaf(hash: Uint8Array): void {
    this.#scratch[0] = TermTag.leaf;
    for (let i = 0; i < LEAF_HASH_BYTES; i++) this.#scratch[1 + i] = hash[i] ?? 0;
    this.sink.term(this.#scratch, 1 + LEAF_HASH_BYTES, -1);
  }

  #tagged(tag: number, number: number, bytes?: Uint8Array): void {
    const scratch = this.#scratch;
    scratch[0] = tag;
    scratch[1] = number;
    let length = 2;
    if (bytes !== undefined) {
      for (let i = 0; i < bytes.length; i++) scratch[length + i] = bytes[i] ?? 0;
      length += bytes.length;
    }
    this.sink.term(scratch, length, -1);
  }

  /** `words` over ASCII bytes without backslashes and percent signs. */
  #cut({ bytes, number }: Member): void {
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
        this.#word(length, number, position++);
        length = 0;
        if (lower === LETTER_T) continue;
      }
      if (lower === 0) continue;
      if (length < MAX_WORD_CHARACTERS) scratch[length] = lower;
      length += 1;
    }
    if (length > 0) this.#word(length, number, position);
  }

  #word(length: number, number: number, position: number): void {
    const cut = length < MAX_WORD_CHARACTERS ? length : MAX_WORD_CHARACTERS;
    this.#scratch[cut] = 0;
    this.#scratch[cut + 1] = number;
    this.sink.term(this.#scratch, cut + 2, position);
  }

  #encode(found: readonly string[], number: number): void {
    const scratch = this.#scratch;
    found.forEach((word, position) => {
      const bytes = utf8(word);
      scratch.set(bytes);
      scratch[bytes.length] = 0;
      scratch[bytes.length + 1] = number;
      this.sink.term(scratch, bytes.length + 2, position);
    });
  }
}

/** The event's members; undefined where the bytes are not for certain those of an envelope in canonical JSON. */
function membersOf(bytes: Uint8Array): readonly Member[] | undefined {
  const scan = new CanonicalScan(bytes);
  if (!scan.has(EVENT, 0)) return undefined;
  const members: Member[] = [];
  let at = EVENT.length;
  for (const { field, key, number } of MEMBERS) {
    if (!scan.has(key, at)) continue;
    const start = at + key.length;
    scan.begin();
    const isText = bytes[start] === QUOTE;
    const isJson = takesJson(field) && (bytes[start] === OPEN_OBJECT || bytes[start] === OPEN_LIST);
    const end = isText || isJson ? scan.value(start) : -1;
    if (end < 0) return undefined;
    if (scan.plain) {
      const inside = isText ? bytes.subarray(start + 1, end - 1) : bytes.subarray(start, end);
      members.push({ field, number, bytes: inside, words: undefined });
    } else {
      const value = readValue(bytes.subarray(start, end), isText);
      if (value === undefined) return undefined;
      members.push({ field, number, bytes: value.bytes, words: value.words });
    }
    at = end;
    if (bytes[at] !== COMMA) break;
    at += 1;
  }
  const isEvent = bytes[at] === CLOSE_OBJECT && bytes[at - 1] !== COMMA;
  return isEvent && isRestOfEnvelope(scan, at + 1) && members.some(({ field }) => field === "message")
    ? members
    : undefined;
}

type Value = Pick<Member, "bytes" | "words">;

/** Of a text or container's bytes; undefined where they are not JSON, or JSON that cannot be written again. */
function readValue(bytes: Uint8Array, isText: boolean): Value | undefined {
  try {
    const value = JSON.parse(utf8Text(bytes) ?? "") as EventValue;
    const canonical = canonicalJson(value);
    const text = isText ? fieldText(value) : canonical;
    return { bytes: utf8(text), words: isText ? words(text) : canonicalWords(text) };
  } catch {
    return undefined;
  }
}

/** Whether what follows the event ends an envelope: a public key, the time of receipt, a signature. */
function isRestOfEnvelope(scan: CanonicalScan, start: number): boolean {
  scan.begin();
  let at = start;
  if (scan.has(PUBLIC_KEY, at)) at = scan.text(at + PUBLIC_KEY.length);
  if (at < 0 || !scan.has(RECEIVED_AT, at)) return false;
  const time = at + RECEIVED_AT.length;
  at = scan.text(time);
  if (at < 0 || !isTimeOfReceipt(scan.bytes, time + 1, at - 1)) return false;
  if (scan.has(SIGNATURE, at)) at = scan.text(at + SIGNATURE.length);
  return at >= 0 && scan.plain && scan.bytes[at] === CLOSE_OBJECT && at + 1 === scan.bytes.length;
}

/** `isReceivedAt` of an ASCII text: digits, and between them what stands there in every such text. */
function isTimeOfReceipt(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== RECEIVED_AT_SHAPE.length) return false;
  for (let i = 0; i < RECEIVED_AT_SHAPE.length; i++) {
    const shape = RECEIVED_AT_SHAPE[i];
    const byte = bytes[start + i];
    if (shape === ZERO ? !isDigit(byte) : byte !== shape) return false;
  }
  return true;
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
