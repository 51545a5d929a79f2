import { HttpError } from "./refusal.js";

/** What the JSON of a request may have in it, counted in its bytes before anything is made of them. */
export const JSON_BOUNDS = {
  /** Members of objects and items of lists: 1,000 events with 100 each. A key takes a parser a microsecond. */
  values: 100_000,
  /** Objects and lists inside each other: a field of an event may have 64, and is in a few itself. */
  depth: 128,
  /** Bytes of one text as it is sent: an event's value of 1 MiB, in which escapes triple what is not ASCII. */
  textBytes: 3 * 1_024 * 1_024,
} as const;

/** So short a body passes no bound whose passing costs anything, so it is not looked through. */
const SHORT_BYTES = 16 * 1_024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * One pass without recursion over bytes that claim to be JSON in UTF-8; whether they are is for the parser to say. Throws
 * HttpError PAYLOAD_TOO_LARGE or, where it is too deep, BAD_REQUEST.
 */
export function requireBounded(json: Uint8Array): void {
  if (json.length <= SHORT_BYTES) return;
  let values = 1;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = textEnd(json, at);
    } else if (byte === COMMA) {
      values++;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth++;
      values++;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--;
    }
    if (depth > JSON_BOUNDS.depth)
      throw new HttpError("BAD_REQUEST", `the JSON of the request may nest at most ${JSON_BOUNDS.depth} levels deep`);
    if (values > JSON_BOUNDS.values)
      throw tooLarge(`the JSON of the request may have at most ${JSON_BOUNDS.values} members and items`);
  }
}

/** The index of the quote that ends the text which begins at `start`, or of the last byte. */
function textEnd(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  if (at - start - 1 > JSON_BOUNDS.textBytes)
    throw tooLarge(`one text in the JSON of the request may have at most ${JSON_BOUNDS.textBytes} bytes`);
  return at;
}

function tooLarge(message: string): HttpError {
  return new HttpError("PAYLOAD_TOO_LARGE", message);
}
