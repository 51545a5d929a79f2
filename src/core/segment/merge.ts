import { MAX_TERM_BYTES } from "../words/words.js";
import { DictionaryScan, type Posting } from "./dictionary.js";
import { COLUMNS, PIECE_END_BYTES, Stream, type Segment } from "./format.js";
import { Heap } from "./heap.js";
import { MergedPosting } from "./merged-posting.js";
import type { SegmentReader } from "./read.js";
import { SegmentWriter } from "./segment-writer.js";

/** Segments that one of the next level is merged from. */
export const MERGED_CHILDREN = 16;

/**
 * Merges 16 neighbours of one level from 1 on into the segment of the next level (format 1, Merge). Throws a RangeError
 * for other children, and MalformedSegment.
 */
export function mergeSegments(children: readonly SegmentReader[]): Segment {
  const [first] = children;
  const { level, number } = first?.header ?? { level: 0, number: 0 };
  const isRow = children.every(({ header }, place) => header.level === level && header.number === number + place);
  if (children.length !== MERGED_CHILDREN || level < 1 || number % MERGED_CHILDREN !== 0 || !isRow)
    throw new RangeError("a merge takes the 16 children of one segment of level 2 or above, in their order");
  const writer = new SegmentWriter({ level: level + 1, number: number / MERGED_CHILDREN });
  mergeTerms(children, writer);
  for (let column = 0; column < COLUMNS; column++) concatenate(children, Stream.columns + column, writer);
  return writer.finish();
}

function mergeTerms(children: readonly SegmentReader[], writer: SegmentWriter): void {
  const scans = children.map((child, place) => new TermScan(child, place)).filter((scan) => scan.next());
  const heap = new Heap(scans, (a, b) => (a.compare(b.term, b.length) || a.child - b.child) < 0);
  const merged = new MergedPosting(children, writer);
  const term = new Uint8Array(MAX_TERM_BYTES);
  for (let first = heap.top; first !== undefined; first = heap.top) {
    const { length } = first;
    for (let i = 0; i < length; i++) term[i] = first.term[i] ?? 0;
    let scan: TermScan | undefined = first;
    while (scan?.compare(term, length) === 0) {
      merged.add(scan.child, scan.posting);
      if (scan.next()) heap.replace(scan);
      else heap.pop();
      scan = heap.top;
    }
    merged.write();
    writer.term(term, length);
  }
}

/** The terms of a segment in their order. */
class TermScan {
  #block = 0;
  #scan: DictionaryScan | undefined;
  #posting: Posting | undefined;

  constructor(
    private readonly reader: SegmentReader,
    readonly child: number,
  ) {}

  get term(): Uint8Array {
    return this.#scan?.term ?? NOTHING;
  }

  get length(): number {
    return this.#scan?.length ?? 0;
  }

  get posting(): Posting {
    if (this.#posting === undefined) throw new RangeError("a scan stands before its first term");
    return this.#posting;
  }

  /** Goes to the next term; false behind the last. */
  next(): boolean {
    for (;;) {
      this.#posting = this.#scan?.next();
      if (this.#posting !== undefined) return true;
      this.#block += 1;
      if (this.#block > this.reader.header.dictionaryBlocks) return false;
      this.#scan = new DictionaryScan(this.reader.source.block(this.#block), this.reader.documents);
    }
  }

  compare(term: Uint8Array, length: number): number {
    const own = this.term;
    const most = Math.min(this.length, length);
    for (let i = 0; i < most; i++) {
      const difference = (own[i] ?? 0) - (term[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return this.length - length;
  }
}

const NOTHING = new Uint8Array();

/** The table of ends is made anew; pieces keep their bytes. */
function concatenate(children: readonly SegmentReader[], stream: number, writer: SegmentWriter): void {
  const to = writer.streams[stream];
  let end = 0;
  const parts = children.map((child) => {
    const table = child.stream(stream, 0);
    for (let piece = 0; piece < child.pieces; piece++) to?.fixed(end + table.fixed(PIECE_END_BYTES), PIECE_END_BYTES);
    const bytes = table.bytes((child.header.streams[stream] ?? 0) - table.place);
    end += bytes.length;
    return bytes;
  });
  for (const part of parts) to?.bytes(part);
}
