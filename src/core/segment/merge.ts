import { MAX_TERM_BYTES } from "../words/words.js";
import { DictionaryScan, type Posting } from "./dictionary.js";
import {
  COLUMNS,
  MAX_BLOCK_BYTES,
  PIECE_END_BYTES,
  Stream,
  type Segment,
  type SegmentHeader,
  type SegmentId,
} from "./format.js";
import { Heap } from "./heap.js";
import { measuringOutput, pagingOutput, type MergeOutput } from "./merge-output.js";
import { MergedPosting } from "./merged-posting.js";
import type { SegmentReader } from "./read.js";
import { headerBlock } from "./segment-writer.js";

/** Segments that one of the next level is merged from. */
export const MERGED_CHILDREN = 16;

/**
 * Merges 16 neighbours of one level from 1 on into the segment of the next level (format 1, Merge), in memory. Throws a
 * RangeError for other children, and MalformedSegment.
 */
export function mergeSegments(children: readonly SegmentReader[]): Segment {
  const id = parentOf(children);
  const dictionary: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  const streams = new Map<number, Uint8Array[]>();
  const paging = pagingOutput(
    (block, firstTerm) => {
      dictionary.push(block.slice());
      directory.push(firstTerm.slice());
    },
    (stream, _, bytes) => {
      const pages = streams.get(stream) ?? [];
      if (pages.push(bytes) === 1) streams.set(stream, pages);
    },
  );
  merge(children, paging.output);
  paging.finish();
  const header = headerBlock(paging.output.header(id));
  const pages = paging.output.streams.flatMap((_, stream) => streams.get(stream) ?? []);
  return { ...id, blocks: [header, ...dictionary, ...pages], directory };
}

/**
 * The header of the segment that `mergeSegments` makes: what has to be known to write its blocks one by one. Reads the
 * children from their start to their end. Throws as mergeSegments.
 */
export function mergedHeader(children: readonly SegmentReader[]): SegmentHeader {
  const output = measuringOutput();
  merge(children, output);
  return output.header(parentOf(children));
}

/**
 * Receives a block of a merged segment with its number, and for a dictionary block its first term. Both belong to the
 * receiver.
 */
export type TakeBlock = (number: number, block: Uint8Array, firstTerm?: Uint8Array) => void;

/**
 * Passes on the blocks of the segment that `mergeSegments` makes as they are finished, each once, not in the order of
 * their numbers. Needs memory for a few pages of each child, whatever its size. Throws like mergeSegments, and a
 * RangeError if the children have another header.
 */
export function streamMerged(children: readonly SegmentReader[], header: SegmentHeader, take: TakeBlock): void {
  const starts: number[] = [];
  header.streams.reduce((start, bytes) => {
    starts.push(start);
    return start + Math.ceil(bytes / MAX_BLOCK_BYTES);
  }, 1 + header.dictionaryBlocks);
  const first = headerBlock(header);
  let next = 1;
  const paging = pagingOutput(
    (block, firstTerm) => {
      take(next++, block.slice(), firstTerm.slice());
    },
    (stream, page, bytes) => {
      take((starts[stream] ?? 0) + page, bytes);
    },
  );
  take(0, first);
  merge(children, paging.output);
  paging.finish();
  const written = headerBlock(paging.output.header(parentOf(children)));
  if (written.length !== first.length || written.some((byte, place) => byte !== first[place]))
    throw new RangeError("the header is not that of these children's segment");
}

function parentOf(children: readonly SegmentReader[]): SegmentId {
  const [first] = children;
  const { level, number } = first?.header ?? { level: 0, number: 0 };
  const isRow = children.every(({ header }, place) => header.level === level && header.number === number + place);
  if (children.length !== MERGED_CHILDREN || level < 1 || number % MERGED_CHILDREN !== 0 || !isRow)
    throw new RangeError("a merge takes the 16 children of one segment of level 2 or above, in their order");
  return { level: level + 1, number: number / MERGED_CHILDREN };
}

function merge(children: readonly SegmentReader[], output: MergeOutput): void {
  parentOf(children);
  mergeTerms(children, output);
  output.dictionary.finish();
  for (let column = 0; column < COLUMNS; column++) concatenate(children, Stream.columns + column, output);
}

function mergeTerms(children: readonly SegmentReader[], output: MergeOutput): void {
  const scans = children.map((child, place) => new TermScan(child, place)).filter((scan) => scan.next());
  const heap = new Heap(scans, (a, b) => (a.compare(b.term, b.length) || a.child - b.child) < 0);
  const merged = new MergedPosting(children, output);
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
    output.dictionary.term(term, length);
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

  /** Moves to the next term; returns false after the last. */
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

/** The table of ends is rebuilt; pieces keep their bytes. */
function concatenate(children: readonly SegmentReader[], stream: number, { streams }: MergeOutput): void {
  const to = streams[stream];
  let end = 0;
  for (const child of children) {
    const table = child.stream(stream, 0);
    for (let piece = 0; piece < child.pieces; piece++) to?.fixed(end + table.fixed(PIECE_END_BYTES), PIECE_END_BYTES);
    end += columnBytes(child, stream);
  }
  for (const child of children)
    to?.copy(() => child.stream(stream, child.pieces * PIECE_END_BYTES), columnBytes(child, stream));
}

/** The bytes of a column after its table. */
function columnBytes({ header, pieces }: SegmentReader, stream: number): number {
  return (header.streams[stream] ?? 0) - pieces * PIECE_END_BYTES;
}
