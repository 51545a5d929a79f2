import type { FieldName } from "../event.js";
import { utf8Text, type Sha256 } from "../bytes.js";
import type { IndexedEntry, TermSink } from "../words/entry-terms.js";
import { EntryTokenizer } from "../words/tokenizer.js";
import { eventTime, FIRST_MS } from "./event-time.js";
import { columnOf, KEY_COLUMNS, MAX_KEY_CHARACTERS, PIECE_DOCUMENTS } from "./format.js";
import { grown, GroupTooLarge, TermTable } from "./term-table.js";

/** Eight thousand an entry: 256 MiB here, and twice that while a segment is built. */
export const MAX_OCCURRENCES = 2 ** 25;

/** Documents of a group, from `start` to `end`, exclusive. */
export interface DocumentRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Up to 4,096 entries, from a multiple of 4,096 on, cut into terms once: segments of level 0 are built from it as it
 * grows, that of level 1 when it is full.
 */
export class Group {
  readonly terms = new TermTable();
  readonly keys = new TermTable();
  /** By place in the order in which terms were met: the term, and its position or -1. */
  occurrenceTerms = new Int32Array(1 << 16);
  occurrencePositions = new Int32Array(1 << 16);
  /** Where the occurrences of each document begin; one more than documents. */
  readonly starts = new Int32Array(PIECE_DOCUMENTS + 1);
  /** By column and document: 1 + the number of the sort key, 0 for none. */
  readonly keyNumbers = KEY_COLUMNS.map(() => new Int32Array(PIECE_DOCUMENTS));
  /** The event's time in milliseconds since the year 0000, -1 where it cannot be read, and the microseconds beyond. */
  readonly times = new Float64Array(PIECE_DOCUMENTS).fill(-1);
  readonly micros = new Uint16Array(PIECE_DOCUMENTS);
  readonly #tokenizer: EntryTokenizer;
  #documents = 0;
  #occurrences = 0;

  /** `number`: the group covers the leaves from number * 4,096. */
  constructor(
    readonly number: number,
    sha256: Sha256,
    private readonly mostOccurrences = MAX_OCCURRENCES,
  ) {
    const sink: TermSink = {
      term: (term, length, position) => {
        this.#occurrence(this.terms.numberOf(term, length), position);
      },
      value: (field, bytes) => {
        this.#value(field, bytes);
      },
    };
    this.#tokenizer = new EntryTokenizer(sha256, sink);
  }

  get documents(): number {
    return this.#documents;
  }

  /** Adds the next entry. Throws a RangeError when the group is full, and GroupTooLarge, after which it is of no use. */
  add(entry: IndexedEntry): void {
    if (this.#documents === PIECE_DOCUMENTS) throw new RangeError(`a group has ${PIECE_DOCUMENTS} entries`);
    this.#tokenizer.add(entry);
    this.#documents += 1;
    this.starts[this.#documents] = this.#occurrences;
  }

  /** Leaves the next document empty, for one that is not in question. */
  skip(): void {
    if (this.#documents === PIECE_DOCUMENTS) throw new RangeError(`a group has ${PIECE_DOCUMENTS} entries`);
    this.#documents += 1;
    this.starts[this.#documents] = this.#occurrences;
  }

  #occurrence(term: number, position: number): void {
    const place = this.#occurrences++;
    if (place === this.mostOccurrences) throw new GroupTooLarge(`more than ${place} words and values`);
    if (place === this.occurrenceTerms.length) {
      this.occurrenceTerms = grown(this.occurrenceTerms, new Int32Array(2 * place));
      this.occurrencePositions = grown(this.occurrencePositions, new Int32Array(2 * place));
    }
    this.occurrenceTerms[place] = term;
    this.occurrencePositions[place] = position;
  }

  #value(field: FieldName, bytes: Uint8Array): void {
    const column = columnOf(field);
    const numbers = column === undefined ? undefined : this.keyNumbers[column];
    if (numbers === undefined) return;
    const key = sortKey(bytes);
    if (key.length > 0) numbers[this.#documents] = 1 + this.keys.numberOf(key, key.length);
    if (field !== "timestamp") return;
    const time = eventTime(utf8Text(bytes) ?? "");
    if (time === undefined) return;
    this.times[this.#documents] = time.epochMs - FIRST_MS;
    this.micros[this.#documents] = time.micros;
  }
}

/** The sort key of a value: its first 128 characters without U+0000, as UTF-8, which sorts in code point order. */
export function sortKey(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= MAX_KEY_CHARACTERS && !bytes.includes(0)) return bytes;
  const head = bytes.subarray(0, 4 * (MAX_KEY_CHARACTERS + 1));
  const cut = bytes.includes(0) ? bytes.filter((byte) => byte !== 0) : head;
  let end = 0;
  for (let characters = 0; end < cut.length; end++) {
    const begins = ((cut[end] ?? 0) & 0xc0) !== 0x80;
    if (begins && characters++ === MAX_KEY_CHARACTERS) break;
  }
  return cut.subarray(0, end);
}
