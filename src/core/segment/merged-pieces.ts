import { ByteWriter, varintBytes } from "./byte-writer.js";
import { Cursor } from "./cursor.js";
import { inlineDocuments, readPositions, type Posting } from "./dictionary.js";
import { PIECE_DOCUMENTS, PositionKind, PostingKind } from "./format.js";
import type { SegmentReader } from "./read.js";

/** A piece of one term in one child: what precedes the piece's bytes. */
interface PieceHead {
  readonly number: number;
  readonly df: number;
  /** The bytes of its documents and of its positions. */
  readonly documents: number;
  readonly positions: number;
}

/** Bytes in a stream of the child, or in memory. */
type PieceBytes =
  | { readonly kind: "stored"; readonly offset: number; readonly length: number }
  | { readonly kind: "here"; readonly bytes: Uint8Array };

/** A child's positions, or one position for each of this many documents. */
export type PositionBytes =
  PieceBytes | { readonly kind: "repeated"; readonly position: number; readonly times: number };

/** The pieces of one term in one child, as the parent has them: one after the other, so their bytes are one run. */
export interface ChildPieces {
  readonly heads: readonly PieceHead[];
  readonly documents: PieceBytes;
  readonly positions: PositionBytes;
}

/** The pieces of a long posting, whose bytes stay as they are. `isStream`: whether the parent has positions in a stream. */
export function copiedPieces(child: SegmentReader, posting: Posting, isStream: boolean): ChildPieces {
  const { positionKind, position, positionsOffset } = posting;
  const isExpanded = positionKind === PositionKind.constant;
  const places = [...child.places(posting)];
  const heads = places.map(([number, { df, bytes, positions }]) => {
    return { number, df, documents: bytes, positions: !isStream ? 0 : isExpanded ? repeated(position, df) : positions };
  });
  const documents = stored(places[0]?.[1].offset ?? 0, sum(heads, "documents"));
  const length = sum(heads, "positions");
  const positions: PositionBytes = isExpanded
    ? { kind: "repeated", position, times: sum(heads, "df") }
    : stored(positionsOffset, length);
  return { heads, documents, positions };
}

/** The pieces of a posting that is inline, or of all documents. */
export function encodedPieces(child: SegmentReader, posting: Posting, isStream: boolean): ChildPieces {
  const { kind, df, block, gapsAt, gapsEnd, end, positionKind, position } = posting;
  if (kind === PostingKind.all) {
    const positions = isStream ? repeated(position, PIECE_DOCUMENTS) : 0;
    const head = { df: PIECE_DOCUMENTS, documents: 0, positions };
    return {
      heads: Array.from({ length: child.pieces }, (_, number) => ({ number, ...head })),
      documents: NOTHING,
      positions: { kind: "repeated", position, times: child.documents },
    };
  }
  const positions: PositionBytes =
    positionKind === PositionKind.constant
      ? { kind: "repeated", position, times: df }
      : here(block.subarray(gapsEnd, end));
  if (child.pieces > 1) return { ...splitByPiece(child, posting, isStream), positions };
  const length = !isStream ? 0 : positions.kind === "repeated" ? repeated(position, df) : end - gapsEnd;
  const heads = [{ number: 0, df, documents: gapsEnd - gapsAt, positions: length }];
  return { heads, documents: here(block.subarray(gapsAt, gapsEnd)), positions };
}

function splitByPiece(
  child: SegmentReader,
  posting: Posting,
  isStream: boolean,
): Pick<ChildPieces, "heads" | "documents"> {
  const heads: PieceHead[] = [];
  const documents = inlineDocuments(posting, child.documents);
  const from = new Cursor(posting.block, posting.gapsEnd);
  const gaps = new ByteWriter();
  for (let at = 0; at < documents.length;) {
    const number = Math.floor((documents[at] ?? 0) / PIECE_DOCUMENTS);
    const start = gaps.length;
    let [df, positions, previous] = [0, 0, number * PIECE_DOCUMENTS];
    for (; (documents[at] ?? Infinity) < (number + 1) * PIECE_DOCUMENTS; at++, df++) {
      gaps.varint((documents[at] ?? 0) - previous);
      previous = documents[at] ?? 0;
      if (isStream) positions += positionBytes(posting, from);
    }
    heads.push({ number, df, documents: gaps.length - start, positions });
  }
  return { heads, documents: here(gaps.copy()) };
}

/** The positions in the next document. */
function positionBytes({ positionKind, position }: Posting, from: Cursor): number {
  if (positionKind === PositionKind.constant) return repeated(position, 1);
  const start = from.place;
  readPositions(from, []);
  return from.place - start;
}

/** The bytes of one position for each of this many documents. */
function repeated(position: number, documents: number): number {
  return documents * varintBytes(2 * position);
}

function stored(offset: number, length: number): PieceBytes {
  return { kind: "stored", offset, length };
}

function here(bytes: Uint8Array): PieceBytes {
  return { kind: "here", bytes };
}

const NOTHING = here(new Uint8Array());

function sum(heads: readonly PieceHead[], of: "df" | "documents" | "positions"): number {
  return heads.reduce((total, head) => total + head[of], 0);
}
