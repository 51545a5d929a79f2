/**
 * Takes the place of a parsed value where JSON.parse lost part of what was sent. It is not a plain object, so every
 * check of JSON refuses it and can show what was sent.
 */
export class JsonLoss {
  constructor(
    readonly kind: "inexact number" | "repeated key",
    private readonly sent: string,
  ) {}

  get expected(): string {
    return this.kind === "repeated key" ? "each key once" : "a number that a double (IEEE 754 binary64) holds exactly";
  }

  get got(): string {
    return this.kind === "repeated key" ? "a key that occurs twice" : cut(this.sent);
  }

  /** What GraphQL's own errors show. */
  toJSON(): string {
    return this.got;
  }
}

const MAX_SHOWN = 64;

function cut(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

/**
 * Like JSON.parse, but puts a JsonLoss in place of a number that a double cannot represent exactly, and of a member
 * whose key occurs twice in its object (RFC 8785 allows neither). Throws a SyntaxError like JSON.parse.
 */
export function parseLossless(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return keepsAll(text, value) ? value : withLosses(text, value);
}

/** A decimal of up to this many digits and no exponent is always the shortest one of its double. */
const ALWAYS_EXACT_DIGITS = 15;

/**
 * Whether a JSON number, as a decimal, is exactly the number that RFC 8785 writes for its double. The digits tell: a double
 * has the sign of what was written, and is too near to it to have the same digits with another power of ten.
 */
export function isExactNumber(text: string): boolean {
  const number = Number(text);
  return Number.isFinite(number) && digitsOf(text) === digitsOf(String(number));
}

/** A decimal's digits, without zeros at either end: none for zero. */
function digitsOf(text: string): string {
  const [mantissa = ""] = text.split(/e/i);
  const digits = mantissa.replace(/[-.]/g, "");
  let first = 0;
  while (digits[first] === "0") first++;
  let end = digits.length;
  while (end > first && digits[end - 1] === "0") end--;
  return digits.slice(first, end);
}

const QUOTE = 0x22;
const MINUS = 0x2d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/**
 * Whether the value holds everything in the text, in one pass over the text outside strings and one over the value. A
 * repeated key shows as more colons than members.
 */
function keepsAll(text: string, value: unknown): boolean {
  let colons = 0;
  for (let at = 0; at < text.length;) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = stringEnd(text, at);
    } else if (isDigit(unit) || unit === MINUS) {
      const end = numberEnd(text, at);
      if (!isSurelyExact(text, at, end) && !isExactNumber(text.slice(at, end))) return false;
      at = end;
    } else {
      if (unit === COLON) colons++;
      at++;
    }
  }
  return colons === memberCount(value);
}

function isSurelyExact(text: string, start: number, end: number): boolean {
  if (end - start > ALWAYS_EXACT_DIGITS) return false;
  for (let at = start; at < end; at++) if ((text.charCodeAt(at) | 0x20) === 0x65) return false;
  return true;
}

/** The index after the closing quote of the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote + 1;
}

function isEscaped(text: string, place: number): boolean {
  let first = place;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (place - first) % 2 === 1;
}

function numberEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && isNumberUnit(text.charCodeAt(at))) at++;
  return at;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** A digit, or one of `+ - . E e`. */
function isNumberUnit(unit: number): boolean {
  return isDigit(unit) || unit === 0x2b || unit === MINUS || unit === 0x2e || unit === 0x45 || unit === 0x65;
}

/** The number of members of all objects in a value; without recursion, because JSON.parse accepts any depth. */
function memberCount(value: unknown): number {
  const open: unknown[] = [value];
  let count = 0;
  while (open.length > 0) {
    const container = open.pop();
    if (Array.isArray(container)) {
      for (const item of container) if (typeof item === "object") open.push(item);
    } else if (isContainer(container)) {
      for (const key in container) {
        count++;
        if (typeof container[key] === "object") open.push(container[key]);
      }
    }
  }
  return count;
}

/** An object or list that encloses the current position. */
interface Frame {
  /** What JSON.parse made of it; undefined inside a value that a later one with the same key replaced. */
  readonly node: object | undefined;
  /** The keys read so far; undefined in a list. */
  readonly keys: Set<string> | undefined;
  key: string | number;
  awaitsKey: boolean;
}

/** Walks text and value side by side and puts a JsonLoss into the value wherever the text said more. */
function withLosses(text: string, value: unknown): unknown {
  const root: [unknown] = [value];
  const frames: Frame[] = [];
  let frame: Frame = { node: root, keys: undefined, key: 0, awaitsKey: false };
  for (let at = 0; at < text.length;) {
    const character = text[at];
    let end = at + 1;
    if (character === '"') {
      end = stringEnd(text, at);
      if (frame.awaitsKey) takeKey(frame, JSON.parse(text.slice(at, end)) as string);
    } else if (character === "{" || character === "[") {
      frames.push(frame);
      frame = frameOf(member(frame), character);
    } else if (character === "}" || character === "]") {
      frame = frames.pop() ?? frame;
    } else if (character === ",") {
      if (typeof frame.key === "number") frame.key++;
      frame.awaitsKey = frame.keys !== undefined;
    } else if (character === "-" || isDigit(text.charCodeAt(at))) {
      end = numberEnd(text, at);
      const sent = text.slice(at, end);
      if (!isExactNumber(sent) && !isLost(frame)) setMember(frame, new JsonLoss("inexact number", sent));
    }
    at = end;
  }
  return root[0];
}

function frameOf(value: unknown, opening: "{" | "["): Frame {
  const isList = opening === "[";
  const node = isContainer(value) && Array.isArray(value) === isList ? value : undefined;
  return { node, keys: isList ? undefined : new Set(), key: isList ? 0 : "", awaitsKey: !isList };
}

function takeKey(frame: Frame, key: string): void {
  frame.key = key;
  frame.awaitsKey = false;
  if (frame.keys?.has(key)) setMember(frame, new JsonLoss("repeated key", key));
  frame.keys?.add(key);
}

/** Own members only: `__proto__` in a replaced value must not reach the prototype of its replacement. */
function member({ node, key }: Frame): unknown {
  return node !== undefined && Object.hasOwn(node, key) ? (Reflect.get(node, key) as unknown) : undefined;
}

function isLost(frame: Frame): boolean {
  return member(frame) instanceof JsonLoss;
}

function setMember({ node, key }: Frame, loss: JsonLoss): void {
  if (node === undefined || !Object.hasOwn(node, key)) return;
  Object.defineProperty(node, key, { value: loss, enumerable: true, configurable: true, writable: true });
}

/** An object or list of JSON. */
function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !(value instanceof JsonLoss);
}
