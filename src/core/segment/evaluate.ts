import { utf8 } from "../bytes.js";
import type { EventField } from "../event.js";
import type { Sha256 } from "../hash.js";
import { isWithin, type InstantRange } from "../instant.js";
import { fieldNumber, leafTerm, presenceTerm, valueTerm, wordTerm } from "../words/terms.js";
import { both, setPlaces, either, isEmpty, noBits, NO_BITS, set, without, type PieceBits } from "./bits.js";
import { FIRST_MS } from "./event-time.js";
import type { SegmentFilter } from "./filter.js";
import { PIECE_DOCUMENTS, PositionKind, PostingKind } from "./format.js";
import { PostingView, type Positions } from "./posting-view.js";
import { readTimes } from "./read-columns.js";
import type { SegmentReader } from "./read.js";

/** A filter over one segment. */
export interface Evaluation {
  /** The most documents that can match: what an AND begins with the least of. */
  readonly most: number;
  /** Whether exactly `most` match. */
  readonly isExact?: boolean;
  /** Which documents of `mask` match, in one piece. A piece whose mask is empty is not read. */
  bits(piece: number, mask: PieceBits): PieceBits;
}

/** Nothing matches. */
const NOTHING: Evaluation = { most: 0, isExact: true, bits: () => NO_BITS };

interface Place {
  readonly reader: SegmentReader;
  readonly sha256: Sha256;
}

/**
 * Looks a filter's terms up in a segment; the result reads pieces as they are asked for. What cannot change the result
 * is not looked up, so it is in no proof. Throws what the source throws, and MalformedSegment.
 */
export function evaluation(filter: SegmentFilter, reader: SegmentReader, sha256: Sha256): Evaluation {
  return compiled(filter, { reader, sha256 });
}

function compiled(filter: SegmentFilter, place: Place): Evaluation {
  const { reader, sha256 } = place;
  switch (filter.kind) {
    case "all":
      return { most: reader.documents, isExact: true, bits: (_, mask) => mask };
    case "phrase":
      return phraseOf(filter, reader);
    case "exact":
      return termIn(valueTerm(filter.value, filter.field, sha256), reader);
    case "present":
      return termIn(presenceTerm(filter.field), reader);
    case "leaf":
      return termIn(leafTerm(filter.hash), reader);
    case "time":
      return timeIn(filter, reader);
    case "and":
      return allOf(evaluations(filter.filters, place));
    case "or":
      return anyOf(filter.filters.map((part) => compiled(part, place)));
    case "not":
      return negationOf(compiled(filter.filter, place), reader);
  }
}

/** Of parts that must all match: as soon as one cannot, the others are not looked up. */
function evaluations(filters: readonly SegmentFilter[], place: Place): readonly Evaluation[] {
  const parts: Evaluation[] = [];
  for (const filter of filters) {
    const part = compiled(filter, place);
    if (part.most === 0) return [NOTHING];
    parts.push(part);
  }
  return parts;
}

function termIn(term: Uint8Array, reader: SegmentReader): Evaluation {
  const posting = reader.posting(term);
  return posting === undefined ? NOTHING : unionOf([new PostingView(reader, posting)], reader);
}

type Phrase = SegmentFilter & { readonly kind: "phrase" };

/** The postings of a word by the number of their field. */
type Word = ReadonlyMap<number, readonly PostingView[]>;

function phraseOf({ field, words, prefix }: Phrase, reader: SegmentReader): Evaluation {
  const found: Word[] = [];
  for (const [place, word] of words.entries()) {
    const isPrefix = prefix && place === words.length - 1;
    const inFields =
      isPrefix || field === undefined ? wordIn(field, { word, isPrefix }, reader) : wholeWordIn(field, word, reader);
    if (inFields.size === 0) return NOTHING;
    found.push(inFields);
  }
  const [first, next] = found;
  if (first === undefined) return NOTHING;
  if (next === undefined) return unionOf([...first.values()].flat(), reader);
  const fields = [...first.keys()].filter((number) => found.every((word) => word.has(number)));
  return anyOf(
    fields.map((number) =>
      phraseIn(
        found.map((word) => word.get(number) ?? []),
        reader,
      ),
    ),
  );
}

function wholeWordIn(field: EventField, word: string, reader: SegmentReader): Word {
  const posting = reader.posting(wordTerm(word, field));
  return new Map(posting === undefined ? [] : [[fieldNumber(field), [new PostingView(reader, posting)]]]);
}

interface SoughtWord {
  readonly word: string;
  readonly isPrefix: boolean;
}

/** What was found is kept with its reader: an evaluation that lacked a block begins again, and a prefix can have many words. */
const FOUND = new WeakMap<SegmentReader, Map<string, Word>>();

/** A word in any field, or what begins with it: their terms are neighbours. */
function wordIn(field: EventField | undefined, sought: SoughtWord, reader: SegmentReader): Word {
  const key = JSON.stringify([field, sought.word, sought.isPrefix]);
  const kept = FOUND.get(reader) ?? new Map<string, Word>();
  FOUND.set(reader, kept);
  const found = kept.get(key) ?? neighbours(field, sought, reader);
  kept.set(key, found);
  return found;
}

function neighbours(field: EventField | undefined, { word, isPrefix }: SoughtWord, reader: SegmentReader): Word {
  const start = isPrefix ? utf8(word) : Uint8Array.of(...utf8(word), 0);
  const found = new Map<number, PostingView[]>();
  for (const { term, posting } of reader.prefixed(start)) {
    const number = term[term.length - 1] ?? 0;
    if (!isWordTerm(term) || (field !== undefined && number !== fieldNumber(field))) continue;
    const views = found.get(number) ?? [];
    views.push(new PostingView(reader, posting));
    found.set(number, views);
  }
  return found;
}

function isWordTerm(term: Uint8Array): boolean {
  return (term[0] ?? 0) >= LEAST_WORD_BYTE;
}

/** The digit 0, before which no word begins, and all other terms do. */
const LEAST_WORD_BYTE = 0x30;

function unionOf(views: readonly PostingView[], reader: SegmentReader): Evaluation {
  const [only] = views;
  if (only === undefined) return NOTHING;
  if (views.length === 1)
    return {
      most: only.posting.df,
      isExact: true,
      bits: (piece, mask) => (isEmpty(mask) ? NO_BITS : both(mask, only.bits(piece))),
    };
  const sum = views.reduce((most, { posting }) => most + posting.df, 0);
  const inline = inlineUnion(views);
  const others = views.filter(({ posting }) => posting.kind !== PostingKind.inline);
  return {
    most: Math.min(reader.documents, sum),
    bits: (piece, mask) => {
      if (isEmpty(mask)) return NO_BITS;
      let bits = inline(piece);
      for (const view of others) bits = either(bits, view.bits(piece));
      return both(mask, bits);
    },
  };
}

/** A prefix can have thousands of inline postings: they are decoded once for the segment, not once for each piece. */
function inlineUnion(views: readonly PostingView[]): (piece: number) => PieceBits {
  let pieces: ReadonlyMap<number, Uint32Array> | undefined;
  return (piece) => (pieces ??= decodedByPiece(views)).get(piece) ?? NO_BITS;
}

function decodedByPiece(views: readonly PostingView[]): ReadonlyMap<number, Uint32Array> {
  const pieces = new Map<number, Uint32Array>();
  for (const view of views) {
    if (view.posting.kind !== PostingKind.inline) continue;
    for (const document of view.documents) {
      const piece = Math.floor(document / PIECE_DOCUMENTS);
      let bits = pieces.get(piece);
      if (bits === undefined) pieces.set(piece, (bits = noBits()));
      set(bits, document % PIECE_DOCUMENTS);
    }
  }
  return pieces;
}

/** Adjacent words in one field, each with at least one posting. */
function phraseIn(words: readonly (readonly PostingView[])[], reader: SegmentReader): Evaluation {
  const together = allOf(words.map((views) => unionOf(views, reader)));
  const constant = constantPositions(words);
  if (constant !== undefined) return isAdjacent(constant) ? together : NOTHING;
  return {
    most: together.most,
    bits: (piece, mask) => {
      const candidates = setPlaces(together.bits(piece, mask));
      if (candidates.length === 0) return NO_BITS;
      const positions = words.map((views) => views.map((view) => view.positions(piece, candidates)));
      const bits = noBits();
      candidates.forEach((document, place) => {
        if (hasPhrase(positions, place)) set(bits, document);
      });
      return bits;
    },
  };
}

/** Where every document has each word once, at the same position: one comparison decides for the segment. */
function constantPositions(words: readonly (readonly PostingView[])[]): readonly number[] | undefined {
  const positions: number[] = [];
  for (const [view, more] of words) {
    if (more !== undefined || view?.posting.positionKind !== PositionKind.constant) return undefined;
    positions.push(view.posting.position);
  }
  return positions;
}

function isAdjacent(positions: readonly number[]): boolean {
  return positions.every((position, place) => position === (positions[0] ?? 0) + place);
}

/** Whether in the document at a place some position of the first word is followed by one of each next word. */
function hasPhrase(words: readonly (readonly Positions[])[], place: number): boolean {
  for (const { ends, values } of words[0] ?? [])
    for (let at = place === 0 ? 0 : (ends[place - 1] ?? 0); at < (ends[place] ?? 0); at++)
      if (isFollowed(words, place, values[at] ?? 0)) return true;
  return false;
}

function isFollowed(words: readonly (readonly Positions[])[], place: number, position: number): boolean {
  for (let next = 1; next < words.length; next++)
    if (words[next]?.some((positions) => includes(positions, place, position + next)) !== true) return false;
  return true;
}

function includes({ ends, values }: Positions, place: number, position: number): boolean {
  for (let at = place === 0 ? 0 : (ends[place - 1] ?? 0); at < (ends[place] ?? 0); at++)
    if (values[at] === position) return true;
  return false;
}

function timeIn(range: InstantRange, reader: SegmentReader): Evaluation {
  return {
    most: reader.documents,
    bits: (piece, mask) => {
      if (isEmpty(mask)) return NO_BITS;
      const bits = noBits();
      const { times, micros } = readTimes(reader, piece);
      for (const document of setPlaces(mask)) {
        const time = { epochMs: (times[document] ?? 0) + FIRST_MS, micros: micros[document] ?? 0 };
        const isKnown = (times[document] ?? -1) >= 0;
        if (isKnown && isWithin(time, range)) set(bits, document);
      }
      return bits;
    },
  };
}

/** The least first, so that what all must match is soon empty; a negation excludes nothing for certain, so it is last. */
function allOf(parts: readonly Evaluation[]): Evaluation {
  const ordered = [...parts].sort((a, b) => a.most - b.most);
  const [least] = ordered;
  if (least === undefined) return { most: Infinity, bits: (_, mask) => mask };
  if (least.most === 0) return NOTHING;
  if (ordered.length === 1) return least;
  return {
    most: least.most,
    bits: (piece, mask) => ordered.reduce((left, part) => (isEmpty(left) ? NO_BITS : part.bits(piece, left)), mask),
  };
}

function anyOf(parts: readonly Evaluation[]): Evaluation {
  const possible = parts.filter(({ most }) => most > 0);
  const [only] = possible;
  if (only === undefined) return NOTHING;
  if (possible.length === 1) return only;
  return {
    most: possible.reduce((sum, { most }) => sum + most, 0),
    bits: (piece, mask) => {
      let bits = NO_BITS;
      for (const part of possible) bits = either(bits, part.bits(piece, without(mask, bits)));
      return bits;
    },
  };
}

/** `most` is for every document, so that an AND reads it last. */
function negationOf(part: Evaluation, reader: SegmentReader): Evaluation {
  if (part.most === 0) return { most: reader.documents, isExact: true, bits: (_, mask) => mask };
  return { most: reader.documents, bits: (piece, mask) => without(mask, part.bits(piece, mask)) };
}
