import { utf8, utf8Text } from "../bytes.js";
import { isCustomField } from "../custom-field.js";
import { EVENT_FIELDS, fieldText, takesJson, type EventValue, type FieldName } from "../event.js";
import { canonicalJson } from "../json.js";
import { CanonicalScan, isDigit } from "./canonical-scan.js";
import { canonicalWords, fieldKey, words } from "./words.js";

const EVENT = utf8('{"event":{');
const PUBLIC_KEY = utf8(',"public_key":');
const RECEIVED_AT = utf8(',"received_at":');
const SIGNATURE = utf8(',"signature":');

/** A time of receipt; every 0 stands for a digit. */
const RECEIVED_AT_SHAPE = utf8("0000-00-00T00:00:00.000000Z");

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** The characters of a name, and a quote. */
const MAX_NAME = 33;
/** A field as it stands in front of its value, and in terms. */
interface Name {
  readonly field: FieldName;
  readonly name: Uint8Array;
  readonly key: Uint8Array;
}

/** The fields in the order of canonical JSON, each with its name as a key. */
const MEMBERS = [...EVENT_FIELDS]
  .sort()
  .map((field): Name => ({ field, name: utf8(`"${field}":`), key: fieldKey(field) }));

/** A field of an event, as its words are cut. */
export interface Member {
  readonly field: FieldName;
  readonly key: Uint8Array;
  /** The value's text as UTF-8: without quotes, canonical. */
  readonly bytes: Uint8Array;
  /** Its words; undefined where `bytes` may be cut as they lie. */
  readonly words: readonly string[] | undefined;
}

/** The event's members; undefined unless the bytes are certainly those of an envelope in canonical JSON. */
export function membersOf(bytes: Uint8Array): readonly Member[] | undefined {
  const scan = new CanonicalScan(bytes);
  if (!scan.has(EVENT, 0)) return undefined;
  const members: Member[] = [];
  const names = new Names(scan);
  let at = EVENT.length;
  for (let name = names.next(at); name !== undefined; name = names.next(at)) {
    const member = memberAt(scan, at + name.name.length, name);
    if (member === undefined) return undefined;
    members.push(member);
    at = member.end;
    if (bytes[at] !== COMMA) break;
    at += 1;
  }
  const isEvent = bytes[at] === CLOSE_OBJECT && bytes[at - 1] !== COMMA;
  return isEvent && isRestOfEnvelope(scan, at + 1) && members.some(({ field }) => field === "message")
    ? members
    : undefined;
}

/** The names of an event's members, one after the other, as long as they rise. */
class Names {
  /** The first of MEMBERS that may still come. */
  #next = 0;
  #last = "";

  constructor(private readonly scan: CanonicalScan) {}

  /** The name at this position; undefined if no event may have a name there. */
  next(at: number): Name | undefined {
    for (let i = this.#next; i < MEMBERS.length; i++) {
      const member = MEMBERS[i];
      if (member === undefined || !this.scan.has(member.name, at)) continue;
      this.#next = i + 1;
      return this.#rising(member);
    }
    const custom = customAt(this.scan.bytes, at);
    return custom && this.#rising(custom);
  }

  #rising(name: Name): Name | undefined {
    if (name.field <= this.#last) return undefined;
    this.#last = name.field;
    return name;
  }
}

/** The custom field whose name stands here, in quotes. */
function customAt(bytes: Uint8Array, at: number): Name | undefined {
  if (bytes[at] !== QUOTE) return undefined;
  const end = bytes.indexOf(QUOTE, at + 1);
  if (end < 0 || end - at > MAX_NAME || bytes[end + 1] !== COLON) return undefined;
  const field = String.fromCharCode(...bytes.subarray(at + 1, end));
  return isCustomField(field) ? { field, name: bytes.subarray(at, end + 2), key: fieldKey(field) } : undefined;
}

/** What the value of a custom field begins with where it is no text: a minus sign, a digit, true or false. */
const SCALAR = utf8("-0123456789tf");

/** A member whose value begins here; undefined if the slow path must look. */
function memberAt(scan: CanonicalScan, start: number, { field, key }: Name): ReadMember | undefined {
  const { bytes } = scan;
  scan.begin();
  const isText = bytes[start] === QUOTE;
  const isJson = takesJson(field) && (bytes[start] === OPEN_OBJECT || bytes[start] === OPEN_LIST);
  const isScalar = key.length > 1 && SCALAR.includes(bytes[start] ?? 0);
  const end = isText || isJson || isScalar ? scan.value(start) : -1;
  if (end < 0) return undefined;
  if (scan.plain) {
    const inside = isText ? bytes.subarray(start + 1, end - 1) : bytes.subarray(start, end);
    return { field, key, bytes: inside, words: undefined, end };
  }
  const value = readValue(bytes.subarray(start, end), isText);
  return value && { field, key, ...value, end };
}

interface ReadMember extends Member {
  /** The position after it. */
  readonly end: number;
}

type Value = Pick<Member, "bytes" | "words">;

/** Parses the bytes of a text or container; undefined if they are not JSON, or JSON that cannot be written again. */
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
