import { MAX_TERM_BYTES } from "../words/words.js";
import { Cursor } from "./cursor.js";
import {
  compareBytes,
  comparePrefix,
  DF_FOLLOWS,
  MalformedSegment,
  MAX_BLOCK_BYTES,
  PositionKind,
  PostingKind,
} from "./format.js";

/** A posting as its dictionary entry has it. */
export interface Posting {
  readonly kind: number;
  readonly positionKind: number;
  /** The number of documents that have the term. */
  readonly df: number;
  /** Of `constant`. */
  readonly position: number;
  /** Of `long`: in the postings, and with `stream` in the positions. */
  readonly offset: number;
  readonly positionsOffset: number;
  /** Of `inline`: the dictionary block, and where in it the gaps are; the positions of `stream` follow, up to `end`. */
  readonly block: Uint8Array;
  readonly gapsAt: number;
  readonly gapsEnd: number;
  readonly end: number;
}

/** What most terms fit in: memory of that size is taken from a pool, and a search scans a block for each of its terms and segments. */
const SHORT_TERM_BYTES = 64;

/** Iterates over the entries of a dictionary block; its segment has `documents` documents. */
export class DictionaryScan {
  /** The first term of the next block; undefined in the last. */
  readonly fence: Uint8Array | undefined;
  /** The entry's term: the first `length` bytes. */
  term = new Uint8Array(SHORT_TERM_BYTES);
  length = 0;
  /** The number of leading bytes that it shares with the term before. */
  shared = 0;
  readonly #cursor: Cursor;
  #left: number;
  #kind = 0;
  #positionKind = 0;
  #df = 0;
  #gapsAt = 0;
  #gapsEnd = 0;
  #offset = 0;
  #position = 0;
  #positionsOffset = 0;

  constructor(
    private readonly block: Uint8Array,
    private readonly documents: number,
  ) {
    if (block.length > MAX_BLOCK_BYTES) throw new MalformedSegment(`a block of ${block.length} bytes`);
    this.#cursor = new Cursor(block);
    this.#left = this.#cursor.varint(MAX_BLOCK_BYTES);
    const fence = this.#cursor.bytes(this.#cursor.varint(MAX_TERM_BYTES));
    this.fence = fence.length === 0 ? undefined : fence;
  }

  /** Reads the next entry; undefined after the last. */
  next(): Posting | undefined {
    if (this.#left === 0) return undefined;
    this.#left -= 1;
    this.#readLengths();
    this.#readRest();
    return this.#posting();
  }

  /**
   * Reads the first entry whose term begins with these bytes or comes after all such; undefined where there is none. Terms
   * are written with all that they share with the one before, so most are passed by how much that is.
   */
  seek(prefix: Uint8Array): Posting | undefined {
    /** Leading bytes that the term before, which comes before all such, shares with the prefix. */
    let agreed = 0;
    while (this.#left > 0) {
      this.#left -= 1;
      this.#readLengths();
      if (this.shared > agreed) this.#cursor.skip(this.length - this.shared);
      else {
        this.#readRest();
        if (this.shared < agreed) return this.#posting();
        while (agreed < this.length && agreed < prefix.length && this.term[agreed] === prefix[agreed]) agreed += 1;
        const isShorter = agreed === this.length && agreed < prefix.length;
        if (!isShorter && (this.term[agreed] ?? 0) >= (prefix[agreed] ?? 0)) return this.#posting();
      }
      this.#readPosting();
    }
    return undefined;
  }

  /** Whether every byte was read. */
  get isDone(): boolean {
    return this.#left === 0 && this.#cursor.place === this.block.length;
  }

  #readLengths(): void {
    this.shared = this.#cursor.varint(this.length);
    this.length = this.shared + this.#cursor.varint(MAX_TERM_BYTES - this.shared);
  }

  #readRest(): void {
    if (this.length > this.term.length) {
      const longer = new Uint8Array(MAX_TERM_BYTES);
      longer.set(this.term);
      this.term = longer;
    }
    for (let i = this.shared; i < this.length; i++) this.term[i] = this.#cursor.byte();
  }

  #posting(): Posting {
    this.#readPosting();
    return {
      kind: this.#kind,
      positionKind: this.#positionKind,
      df: this.#df,
      position: this.#position,
      offset: this.#offset,
      positionsOffset: this.#positionsOffset,
      block: this.block,
      gapsAt: this.#gapsAt,
      gapsEnd: this.#gapsEnd,
      end: this.#cursor.place,
    };
  }

  /** Makes nothing, for most postings are only passed. */
  #readPosting(): void {
    const cursor = this.#cursor;
    const first = cursor.byte();
    const kind = first & 3;
    const positionKind = (first >> 2) & 3;
    if (kind > PostingKind.all || positionKind > PositionKind.stream)
      throw new MalformedSegment("a posting of no kind");
    const short = first >> 4;
    const df = kind === PostingKind.all ? this.documents : short < DF_FOLLOWS ? short : cursor.varint(this.documents);
    if (df === 0) throw new MalformedSegment("a posting without documents");
    const isInline = kind === PostingKind.inline;
    this.#kind = kind;
    this.#positionKind = positionKind;
    this.#df = df;
    this.#gapsAt = cursor.place;
    if (isInline) cursor.skipVarints(df);
    this.#gapsEnd = cursor.place;
    this.#offset = kind === PostingKind.long ? cursor.varint() : 0;
    this.#position = positionKind === PositionKind.constant ? cursor.varint() : 0;
    const isStream = positionKind === PositionKind.stream;
    if (isStream && isInline) cursor.skipLists(df);
    this.#positionsOffset = isStream && !isInline ? cursor.varint() : 0;
  }
}

/** The posting of a term in a dictionary block, whose terms rise; undefined where it is not in it. */
export function findPosting(block: Uint8Array, term: Uint8Array, documents: number): Posting | undefined {
  const scan = new DictionaryScan(block, documents);
  const posting = scan.seek(term);
  const isFound = scan.length === term.length && comparePrefix(scan.term, scan.length, term) === 0;
  return isFound ? posting : undefined;
}

export interface DictionaryBlock {
  readonly entries: readonly DictionaryEntry[];
  /** The first term of the next block; undefined in the last. */
  readonly fence: Uint8Array | undefined;
}

export interface DictionaryEntry {
  readonly term: Uint8Array;
  readonly posting: Posting;
}

/**
 * Checks a whole dictionary block: terms ascend from its first to its fence, each written with all that it shares with
 * the one before, on which `findPosting` relies; inline postings have as many documents as their document frequency
 * says. A reader checks only what it reads. Throws MalformedSegment.
 */
export function checkDictionary(block: Uint8Array, documents: number): DictionaryBlock {
  const scan = new DictionaryScan(block, documents);
  const entries: DictionaryEntry[] = [];
  for (let posting = scan.next(); posting !== undefined; posting = scan.next()) {
    const term = scan.term.slice(0, scan.length);
    const before = entries[entries.length - 1]?.term;
    const next = before?.[scan.shared];
    if (next !== undefined && next === term[scan.shared])
      throw new MalformedSegment("a term that is not written shortest");
    entries.push({ term, posting });
  }
  entries.forEach(({ term, posting }, place) => {
    const next = entries[place + 1]?.term ?? scan.fence;
    if (next !== undefined && compareBytes(term, next) >= 0) throw new MalformedSegment("terms out of order");
    if (posting.kind === PostingKind.inline) inlineDocuments(posting, documents);
  });
  if (entries.length === 0 || !scan.isDone) throw new MalformedSegment("a dictionary block of another length");
  return { entries, fence: scan.fence };
}

/** The documents of an inline posting, in ascending order. */
export function inlineDocuments({ block, gapsAt, df }: Posting, documents: number): Uint32Array {
  return readGaps(new Cursor(block, gapsAt), df, documents);
}

/** Reads this many documents from their gaps: in ascending order, below `end`. */
export function readGaps(cursor: Cursor, df: number, end: number): Uint32Array {
  const found = new Uint32Array(df);
  let document = 0;
  for (let i = 0; i < df; i++) {
    const gap = cursor.varint(end);
    if (i > 0 && gap === 0) throw new MalformedSegment("documents out of order");
    document += gap;
    if (document >= end) throw new MalformedSegment("a document beyond the segment");
    found[i] = document;
  }
  return found;
}

/** Adds the positions in the next document. */
export function readPositions(cursor: Cursor, to: number[]): void {
  let position = 0;
  for (let more = 1; more === 1;) {
    const value = cursor.varint();
    more = value % 2;
    position += (value - more) / 2;
    if (position > Number.MAX_SAFE_INTEGER) throw new MalformedSegment("a position over 2^53 - 1");
    to.push(position);
  }
}
