import { utf8 } from "../bytes.js";
import { EVENT_FIELDS, type EventField } from "../event.js";
import type { Sha256 } from "../hash.js";
import type { Instant } from "../instant.js";
import { fieldNumber, leafTerm, presenceTerm, valueTerm, wordTerm } from "../words/terms.js";
import { FIRST_MS } from "./event-time.js";
import type { SegmentFilter } from "./filter.js";
import { isEmpty, noBits, PostingView, set, setPlaces } from "./posting-view.js";
import { readTimes } from "./read-columns.js";
import type { PieceBits, Posting, SegmentReader } from "./read.js";

/** A filter over one segment. */
export interface Evaluation {
  /** The most documents that can match: what an AND begins with the least of. */
  readonly most: number;
  /** Which documents of `mask` match, in one piece. A piece whose mask is empty is not read. */
  bits(piece: number, mask: PieceBits): PieceBits;
}

interface Place {
  readonly reader: SegmentReader;
  readonly sha256: Sha256;
}

/**
 * Looks a filter's terms up in a segment; the result reads pieces as they are asked for. Throws what the source throws,
 * and MalformedSegment.
 */
export function evaluation(filter: SegmentFilter, reader: SegmentReader, sha256: Sha256): Evaluation {
  return compiled(filter, { reader, sha256 });
}

function compiled(filter: SegmentFilter, place: Place): Evaluation {
  const { reader, sha256 } = place;
  switch (filter.kind) {
    case "all":
      return { most: reader.documents, bits: (_, mask) => mask };
    case "phrase": {
      const fields = filter.field === undefined ? EVENT_FIELDS : [filter.field];
      if (filter.words.length === 1) return unionOf(wordPostings(filter, reader), reader);
      return anyOf(fields.map((field) => phraseIn(field, filter, reader)));
    }
    case "exact":
      return termIn(valueTerm(filter.value, filter.field, sha256), reader);
    case "present":
      return termIn(presenceTerm(filter.field), reader);
    case "leaf":
      return termIn(leafTerm(filter.hash), reader);
    case "time":
      return timeIn(filter, reader);
    case "and":
      return allOf(filter.filters.map((part) => compiled(part, place)));
    case "or":
      return anyOf(filter.filters.map((part) => compiled(part, place)));
    case "not":
      return negationOf(compiled(filter.filter, place), reader);
  }
}

function termIn(term: Uint8Array, reader: SegmentReader): Evaluation {
  const posting = reader.posting(term);
  return unionOf(posting === undefined ? [] : [posting], reader);
}

type Phrase = SegmentFilter & { readonly kind: "phrase" };

/** The postings of one word: of the whole word or a prefix, in one field or in any. */
function wordPostings({ field, words, prefix }: Phrase, reader: SegmentReader): readonly Posting[] {
  const word = words[0] ?? "";
  if (field !== undefined && !prefix) return [reader.posting(wordTerm(word, field))].filter((one) => one !== undefined);
  const start = prefix ? utf8(word) : Uint8Array.of(...utf8(word), 0);
  const found: Posting[] = [];
  for (const { term, posting } of reader.prefixed(start))
    if (isWordTerm(term) && (field === undefined || term.at(-1) === fieldNumber(field))) found.push(posting);
  return found;
}

function isWordTerm(term: Uint8Array): boolean {
  return (term[0] ?? 0) >= LEAST_WORD_BYTE;
}

/** The digit 0, before which no word begins, and all other terms do. */
const LEAST_WORD_BYTE = 0x30;

function unionOf(postings: readonly Posting[], reader: SegmentReader): Evaluation {
  const views = postings.map((posting) => new PostingView(reader, posting));
  const most = Math.min(
    reader.documents,
    postings.reduce((sum, { df }) => sum + df, 0),
  );
  return { most, bits: (piece, mask) => (most === 0 || isEmpty(mask) ? noBits() : both(bitsOf(views, piece), mask)) };
}

function bitsOf(views: readonly PostingView[], piece: number): PieceBits {
  const bits = noBits();
  for (const view of views) view.addTo(bits, piece);
  return bits;
}

function phraseIn(field: EventField, phrase: Phrase, reader: SegmentReader): Evaluation {
  const last = phrase.words.length - 1;
  const words = phrase.words.map((word, place) => {
    const postings = wordPostings({ ...phrase, field, words: [word], prefix: phrase.prefix && place === last }, reader);
    return postings.map((posting) => new PostingView(reader, posting));
  });
  const together = allOf(
    words.map((views) =>
      unionOf(
        views.map(({ posting }) => posting),
        reader,
      ),
    ),
  );
  return {
    most: together.most,
    bits: (piece, mask) => {
      const candidates = together.most === 0 ? noBits() : together.bits(piece, mask);
      if (isEmpty(candidates)) return candidates;
      const positions = words.map((views) => views.map((view) => view.positions(piece)));
      const inDocuments = words.map((views) => views.map((view) => bitsOf([view], piece)));
      const found = noBits();
      for (const document of setPlaces(candidates)) {
        const places = positions.map((ofWord, word) =>
          ofWord.flatMap((of, place) => (has(inDocuments[word]?.[place], document) ? of(document) : [])),
        );
        if (isAdjacent(places)) set(found, document);
      }
      return found;
    },
  };
}

function has(bits: PieceBits | undefined, document: number): boolean {
  return bits !== undefined && ((bits[document >>> 5] ?? 0) & (1 << (document & 31))) !== 0;
}

/** Whether some position of the first word is followed by one of each next word. */
function isAdjacent([first = [], ...next]: readonly (readonly number[])[]): boolean {
  return first.some((position) => next.every((positions, place) => positions.includes(position + place + 1)));
}

function timeIn({ start, end }: SegmentFilter & { readonly kind: "time" }, reader: SegmentReader): Evaluation {
  return {
    most: reader.documents,
    bits: (piece, mask) => {
      const found = noBits();
      if (isEmpty(mask)) return found;
      const { times, micros } = readTimes(reader, piece);
      for (const document of setPlaces(mask)) {
        const time = { epochMs: (times[document] ?? 0) + FIRST_MS, micros: micros[document] ?? 0 };
        const isKnown = (times[document] ?? -1) >= 0;
        if (isKnown && !isBefore(time, start) && (end === undefined || isBefore(time, end))) set(found, document);
      }
      return found;
    },
  };
}

function isBefore(time: Instant, bound: Instant | undefined): boolean {
  if (bound === undefined) return false;
  return time.epochMs === bound.epochMs ? time.micros < bound.micros : time.epochMs < bound.epochMs;
}

/** The least first, so that what all must match is soon empty; a negation excludes nothing for certain, so it is last. */
function allOf(parts: readonly Evaluation[]): Evaluation {
  const ordered = [...parts].sort((a, b) => a.most - b.most);
  return {
    most: ordered[0]?.most ?? Infinity,
    bits: (piece, mask) => ordered.reduce((left, part) => (isEmpty(left) ? left : part.bits(piece, left)), mask),
  };
}

function anyOf(parts: readonly Evaluation[]): Evaluation {
  const possible = parts.filter(({ most }) => most > 0);
  return {
    most: possible.reduce((sum, { most }) => sum + most, 0),
    bits: (piece, mask) => {
      const found = noBits();
      for (const part of possible)
        part.bits(piece, without(mask, found)).forEach((word, i) => (found[i] = (found[i] ?? 0) | word));
      return found;
    },
  };
}

function negationOf(part: Evaluation, reader: SegmentReader): Evaluation {
  return { most: reader.documents, bits: (piece, mask) => without(mask, part.bits(piece, mask)) };
}

function both(a: PieceBits, b: PieceBits): PieceBits {
  return a.map((word, place) => word & (b[place] ?? 0));
}

function without(a: PieceBits, b: PieceBits): PieceBits {
  return a.map((word, place) => word & ~(b[place] ?? 0));
}
