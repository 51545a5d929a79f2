import { concatBytes, utf8Text } from "../bytes.js";
import { isPlainObject } from "../json.js";

/** The lists of evidence, whose items are read one by one. */
export type ListName = "entries" | "roots" | "completeness";

/** What is read of evidence, in the order of the file. */
export type Piece =
  | { readonly kind: "member"; readonly name: string; readonly value: unknown }
  | {
      readonly kind: "item";
      readonly list: ListName;
      readonly value: Readonly<Record<string, unknown>>;
      readonly bytes: number;
    }
  /** Every member has been read: the entries are the lines that follow. */
  | { readonly kind: "lines" }
  /** Every item of the list has been read. */
  | { readonly kind: "end"; readonly list: ListName };

/** The file is no evidence, or not all of it; the message says what is wrong and where. */
export class EvidenceError extends Error {
  override readonly name = "EvidenceError";
}

/** The most bytes of one entry, root or other value: several times the largest entry that a gateway writes. */
const MAX_VALUE_BYTES = 8 * 2 ** 20;
/** Of a proof of completeness or fraud: 16 MiB as base64, and what is beside it. */
const MAX_PROOF_VALUE_BYTES = 23 * 2 ** 20;
/** How deep arrays and objects may nest in one value: an event's nest no deeper than a fraction of it. */
const MAX_DEPTH = 500;
const MAX_MEMBERS = 100;
/** What stands for `entries` in the first line when the entries are the lines below. */
const LINES = "lines";

/**
 * Reads evidence piece by piece, in memory that does not grow with it. Evidence is either one JSON object with the lists
 * `entries`, `roots` and `completeness`, or lines: that object with `"entries": "lines"`, then one entry on each line, then
 * `{"end": <number of entries>}`, without which a file that was cut could be taken for a whole one. Throws EvidenceError,
 * and whatever the source of the bytes throws.
 */
export async function* readEvidence(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  const json = new JsonSource(chunks);
  try {
    if (!(await json.skip("{"))) throw json.wrong("expected a JSON object");
    const hasLines = yield* members(json);
    if (hasLines) yield* entryLines(json);
    if (!(await json.isAtEnd())) throw json.wrong("expected nothing more");
  } finally {
    await json.close();
  }
}

/** Returns whether the entries are the lines that follow. */
async function* members(json: JsonSource): AsyncGenerator<Piece, boolean> {
  const names = new Set<string>();
  let hasLines = false;
  if (await json.skip("}")) return hasLines;
  do {
    const name = nameOf((await json.value()).value, names, json);
    await json.expect(":");
    if (name !== "entries" && name !== "roots" && name !== "completeness") {
      yield { kind: "member", name, value: (await json.value(mostOf(name))).value };
    } else if (await json.skip("[")) {
      yield* itemsOf(name, json);
    } else {
      hasLines = (await json.value()).value === LINES && name === "entries";
      if (!hasLines) throw json.wrong(`"${name}" is not a list`);
    }
  } while (await json.skip(","));
  await json.expect("}");
  return hasLines;
}

/** Of two members with one name, readers disagree which one counts. */
function nameOf(name: unknown, names: Set<string>, json: JsonSource): string {
  if (typeof name !== "string") throw json.wrong("expected the name of a member");
  if (names.has(name)) throw json.wrong(`${JSON.stringify(name)} stands twice`);
  if (names.size === MAX_MEMBERS) throw json.wrong(`expected at most ${MAX_MEMBERS} members`);
  names.add(name);
  return name;
}

async function* itemsOf(list: ListName, json: JsonSource): AsyncGenerator<Piece> {
  if (!(await json.skip("]"))) {
    do yield await itemOf(list, json);
    while (await json.skip(","));
    await json.expect("]");
  }
  yield { kind: "end", list };
}

async function* entryLines(json: JsonSource): AsyncGenerator<Piece> {
  yield { kind: "lines" };
  for (let count = 0; ; count++) {
    if (await json.isAtEnd())
      throw new EvidenceError(`the file breaks off after ${count} entries: it has no last line`);
    const entry = await itemOf("entries", json);
    if ("end" in entry.value) {
      if (entry.value["end"] !== count) throw json.wrong(`expected {"end":${count}} after ${count} entries`);
      yield { kind: "end", list: "entries" };
      return;
    }
    yield entry;
  }
}

function mostOf(name: string): number {
  return name === "proof" || name === "completeness" ? MAX_PROOF_VALUE_BYTES : MAX_VALUE_BYTES;
}

async function itemOf(list: ListName, json: JsonSource): Promise<Piece & { readonly kind: "item" }> {
  const { value, bytes } = await json.value(mostOf(list));
  if (isPlainObject(value)) return { kind: "item", list, value, bytes };
  throw json.wrong(`"${list}" holds something other than objects`);
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const isOpening = (byte: number): boolean => byte === 0x5b || byte === 0x7b;
const isClosing = (byte: number): boolean => byte === 0x5d || byte === 0x7d;
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
/** What ends a number or a word: a blank, a comma, a colon. */
const isSeparator = (byte: number): boolean => isBlank(byte) || byte === 0x2c || byte === 0x3a;

/** JSON in pieces: one value at a time, each of bounded size and depth, and the punctuation between them. */
class JsonSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();
  #at = 0;
  /** Bytes before this chunk. */
  #before = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Lets go of the source of the bytes. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  wrong(reason: string): EvidenceError {
    return new EvidenceError(`${reason}, at byte ${this.#before + this.#at}`);
  }

  async isAtEnd(): Promise<boolean> {
    return (await this.#peek()) === undefined;
  }

  /** Whether this punctuation comes next; it is then behind us. */
  async skip(punctuation: string): Promise<boolean> {
    if ((await this.#peek()) !== punctuation.charCodeAt(0)) return false;
    this.#at += 1;
    return true;
  }

  async expect(punctuation: string): Promise<void> {
    if (await this.skip(punctuation)) return;
    throw (await this.isAtEnd()) ? this.#brokenOff() : this.wrong(`expected ${punctuation}`);
  }

  /** The next value, and how many bytes it takes; `most` of them are read. */
  async value(most = MAX_VALUE_BYTES): Promise<{ readonly value: unknown; readonly bytes: number }> {
    await this.#peek();
    const scan = new ValueScan();
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for (let isWhole = false; !isWhole;) {
      if (this.#at === this.#chunk.length && !(await this.#fill())) throw this.#brokenOff();
      const end = scan.end(this.#chunk, this.#at);
      isWhole = end !== undefined;
      const part = this.#chunk.subarray(this.#at, end);
      bytes += part.length;
      if (bytes > most) throw this.wrong(`expected a value of at most ${most} bytes`);
      if (scan.isTooDeep) throw this.wrong(`expected a value nested at most ${MAX_DEPTH} deep`);
      this.#at += part.length;
      parts.push(part);
    }
    return { value: this.#parse(parts), bytes };
  }

  #parse(parts: readonly Uint8Array[]): unknown {
    const [first = new Uint8Array()] = parts;
    const text = utf8Text(parts.length === 1 ? first : concatBytes(parts));
    try {
      if (text !== undefined) return JSON.parse(text);
    } catch {
      // As bytes that are no text.
    }
    throw this.wrong("expected JSON");
  }

  /** The next byte that is not blank; undefined at the end. */
  async #peek(): Promise<number | undefined> {
    for (;;) {
      for (; this.#at < this.#chunk.length; this.#at++) {
        const byte = this.#chunk[this.#at] ?? 0;
        if (!isBlank(byte)) return byte;
      }
      if (!(await this.#fill())) return undefined;
    }
  }

  async #fill(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#before += this.#chunk.length;
    this.#chunk = next.value;
    this.#at = 0;
    return true;
  }

  #brokenOff(): EvidenceError {
    return new EvidenceError(`the file breaks off at byte ${this.#before + this.#at}`);
  }
}

/** Finds where a value ends, over as many chunks as it takes. What it is, JSON.parse says. */
class ValueScan {
  isTooDeep = false;
  #depth = 0;
  #isInText = false;
  #isEscaped = false;

  /** The place behind the value; undefined while it goes on in the next chunk. */
  end(chunk: Uint8Array, from: number): number | undefined {
    let [depth, isInText, isEscaped] = [this.#depth, this.#isInText, this.#isEscaped];
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (isInText) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) {
          isInText = false;
          if (depth === 0) return at + 1;
        }
      } else if (byte === QUOTE) isInText = true;
      else if (isOpening(byte)) {
        depth += 1;
        if (depth > MAX_DEPTH) this.isTooDeep = true;
      } else if (isClosing(byte)) {
        // At depth 0 it closes what is around a number or a word, and is not part of it.
        if (depth <= 1) return at + depth;
        depth -= 1;
      } else if (depth === 0 && isSeparator(byte)) return at;
    }
    [this.#depth, this.#isInText, this.#isEscaped] = [depth, isInText, isEscaped];
    return undefined;
  }
}
