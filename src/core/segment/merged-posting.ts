import { ByteWriter, varintBytes } from "./byte-writer.js";
import { Cursor } from "./cursor.js";
import type { Posting } from "./dictionary.js";
import { DF_FOLLOWS, MalformedSegment, MAX_INLINE_BYTES, PositionKind, PostingKind, Stream } from "./format.js";
import type { MergedStream, MergeOutput } from "./merge-output.js";
import { copiedPieces, encodedPieces, type ChildPieces, type PositionBytes } from "./merged-pieces.js";
import type { SegmentReader } from "./read.js";

/** Merges the postings of one term after another (format 1, Merge). */
export class MergedPosting {
  /** By place: a child that has the term, and its posting. */
  readonly #children: number[] = [];
  #postings: Posting[] = [];
  readonly #gaps = new ByteWriter();
  readonly #positions = new ByteWriter();

  constructor(
    private readonly children: readonly SegmentReader[],
    private readonly output: MergeOutput,
  ) {}

  /** Adds the posting of a child, after those of the children before it. */
  add(child: number, posting: Posting): void {
    this.#children[this.#postings.length] = child;
    this.#postings.push(posting);
  }

  /** Writes the merged posting to the dictionary's, and forgets the term. */
  write(): void {
    const postings = this.#postings;
    const { posting } = this.output.dictionary;
    const positionKind = mergedPositions(postings);
    let df = 0;
    for (const one of postings) df += one.df;
    const isInline = this.#isInline(positionKind);
    const isAll = !isInline && positionKind !== PositionKind.stream && this.#isAll();
    const kind = isInline ? PostingKind.inline : isAll ? PostingKind.all : PostingKind.long;
    posting.byte(kind | (positionKind << 2) | (Math.min(df, DF_FOLLOWS) << 4));
    if (df >= DF_FOLLOWS && !isAll) posting.varint(df);
    if (isInline) posting.append(this.#gaps);
    const positionsOffset = this.output.streams[Stream.positions]?.length ?? 0;
    if (kind === PostingKind.long) posting.varint(this.#long(positionKind === PositionKind.stream));
    if (positionKind === PositionKind.constant) posting.varint(postings[0]?.position ?? 0);
    if (positionKind === PositionKind.stream) {
      if (isInline) posting.append(this.#positions);
      else posting.varint(positionsOffset);
    }
    this.#postings = [];
  }

  #isAll(): boolean {
    return (
      this.#postings.length === this.children.length && this.#postings.every(({ kind }) => kind === PostingKind.all)
    );
  }

  /** Whether all are inline and fit together; then they are encoded as one, and only the first gap of each changes. */
  #isInline(positionKind: number): boolean {
    this.#gaps.clear();
    this.#positions.clear();
    let previous = 0;
    for (const [place, posting] of this.#postings.entries()) {
      if (posting.kind !== PostingKind.inline) return false;
      const size = this.children[0]?.documents ?? 0;
      const start = (this.#children[place] ?? 0) * size;
      const cursor = new Cursor(posting.block, posting.gapsAt);
      let document = cursor.varint(size - 1);
      this.#gaps.varint(start + document - previous);
      this.#gaps.bytes(posting.block, cursor.place, posting.gapsEnd);
      for (let left = posting.df - 1; left > 0; left--) document += cursor.varint(size - 1);
      if (document >= size) throw new MalformedSegment("a document beyond the segment");
      previous = start + document;
      if (positionKind === PositionKind.stream) this.#addPositions(posting);
      if (this.#gaps.length + this.#positions.length > MAX_INLINE_BYTES) return false;
    }
    return true;
  }

  #addPositions({ positionKind, position, df, block, gapsEnd, end }: Posting): void {
    if (positionKind === PositionKind.stream) this.#positions.bytes(block, gapsEnd, end);
    else for (let left = df; left > 0; left--) this.#positions.varint(2 * position);
  }

  /** Writes the pieces of all children, and returns where. Their bytes go from page to page: a term may have megabytes. */
  #long(isStream: boolean): number {
    const found = this.#postings.flatMap((posting, place) => {
      const number = this.#children[place] ?? 0;
      const child = this.children[number];
      if (child === undefined) return [];
      const pieces =
        posting.kind === PostingKind.long
          ? copiedPieces(child, posting, isStream)
          : encodedPieces(child, posting, isStream);
      return [{ child, pieces, first: number * child.pieces }];
    });
    const [to, toPositions] = this.output.streams;
    if (to === undefined || toPositions === undefined) return 0;
    const offset = to.length;
    to.varint(found.reduce((sum, { pieces }) => sum + pieces.heads.length, 0));
    let previous = -1;
    for (const { pieces, first } of found)
      for (const { number, df, documents, positions } of pieces.heads) {
        for (const value of [first + number - previous - 1, df - 1, documents, positions]) to.varint(value);
        previous = first + number;
      }
    for (const { child, pieces } of found) {
      writeDocuments(child, pieces, to);
      if (isStream) writePositions(child, pieces.positions, toPositions);
    }
    return offset;
  }
}

function writeDocuments(child: SegmentReader, { documents }: ChildPieces, to: MergedStream): void {
  if (documents.kind === "here") to.bytes(documents.bytes);
  else to.copy(() => child.stream(Stream.postings, documents.offset), documents.length);
}

function writePositions(child: SegmentReader, positions: PositionBytes, to: MergedStream): void {
  if (positions.kind === "here") to.bytes(positions.bytes);
  else if (positions.kind === "stored")
    to.copy(() => child.stream(Stream.positions, positions.offset), positions.length);
  else repeat(2 * positions.position, positions.times, to);
}

const AT_ONCE = 256;

function repeat(value: number, times: number, to: MergedStream): void {
  const some = new ByteWriter(AT_ONCE * varintBytes(value));
  for (let i = 0; i < Math.min(times, AT_ONCE); i++) some.varint(value);
  let left = times;
  for (; left >= AT_ONCE; left -= AT_ONCE) to.bytes(some.view);
  for (; left > 0; left--) to.varint(value);
}

/** Constant where all agree; else a stream, into which constants are expanded. */
function mergedPositions(postings: readonly Posting[]): number {
  const [first] = postings;
  if (first === undefined || first.positionKind === PositionKind.none) return PositionKind.none;
  for (const { positionKind, position } of postings)
    if (positionKind !== PositionKind.constant || position !== first.position) return PositionKind.stream;
  return PositionKind.constant;
}
