import type { Sha256 } from "../bytes.js";
import { isWithin, type InstantRange } from "../instant.js";
import { leafTerm, presenceTerm, valueTerm } from "../words/words.js";
import { either, isEmpty, noBits, NO_BITS, set, setPlaces, without, type PieceBits } from "./bits.js";
import { FIRST_MS } from "./event-time.js";
import type { SegmentFilter } from "./filter.js";
import { adjacentIn, constantOrder } from "./phrase.js";
import { readTimes } from "./read-columns.js";
import type { SegmentReader } from "./read.js";
import { lookUp, Postings, soughtWords, type FoundWord, type LookupBudget, type SoughtWord } from "./word-lookup.js";

/** A filter over one segment. */
export interface Evaluation {
  /** The maximum number of documents that can match: an AND starts with the part that has the fewest. */
  readonly most: number;
  /** Whether exactly `most` documents match. */
  readonly isExact?: boolean;
  /** Which documents of `mask` match, in one piece. A piece whose mask is empty is not read. */
  bits(piece: number, mask: PieceBits): PieceBits;
}

/** Nothing matches. */
const NOTHING: Evaluation = { most: 0, isExact: true, bits: () => NO_BITS };

interface Place {
  readonly reader: SegmentReader;
  readonly sha256: Sha256;
  readonly budget: LookupBudget;
}

/**
 * Looks a filter's terms up in a segment; the result reads pieces as they are asked for. What cannot change the result
 * is not looked up, so it is in no proof. Throws what the source throws, MalformedSegment, and Unfinished where the words of
 * its prefixes are in more dictionary blocks than the budget has: evaluate again, with a new one.
 */
export function evaluation(filter: SegmentFilter, { reader, sha256, blocks = Infinity }: EvaluatedSegment): Evaluation {
  return compiled(filter, { reader, sha256, budget: { blocks } });
}

export interface EvaluatedSegment {
  readonly reader: SegmentReader;
  readonly sha256: Sha256;
  /** The maximum number of dictionary blocks read for words in any field and for prefixes. Default: no limit. */
  readonly blocks?: number;
}

function compiled(filter: SegmentFilter, place: Place): Evaluation {
  const { reader, sha256 } = place;
  switch (filter.kind) {
    case "all":
      return { most: reader.documents, isExact: true, bits: (_, mask) => mask };
    case "phrase":
      return phraseOf(filter, place);
    case "exact":
      return termIn(valueTerm(filter.value, filter.field, sha256), place);
    case "present":
      return termIn(presenceTerm(filter.field), place);
    case "leaf":
      return termIn(leafTerm(filter.hash), place);
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

/** For parts that must all match: as soon as one cannot, the others are not looked up. */
function evaluations(filters: readonly SegmentFilter[], place: Place): readonly Evaluation[] {
  const parts: Evaluation[] = [];
  for (const filter of filters) {
    const part = compiled(filter, place);
    if (part.most === 0) return [NOTHING];
    parts.push(part);
  }
  return parts;
}

function termIn(term: Uint8Array, { reader }: Pick<Place, "reader">): Evaluation {
  const postings = postingsOf(term, reader);
  return postings === undefined ? NOTHING : unionOf(postings, reader);
}

function postingsOf(term: Uint8Array, reader: SegmentReader): Postings | undefined {
  const posting = reader.posting(term);
  if (posting === undefined) return undefined;
  const postings = new Postings();
  postings.add(reader, posting, true);
  return postings;
}

type Phrase = SegmentFilter & { readonly kind: "phrase" };

function phraseOf(phrase: Phrase, { reader, budget }: Place): Evaluation {
  const found: FoundWord[] = [];
  for (const word of soughtWords(phrase)) {
    const inFields = word.kind === "term" ? inField(word, reader) : lookUp(word, reader, budget);
    if (inFields.size === 0) return NOTHING;
    found.push(inFields);
  }
  const [first = new Map<string, Postings>()] = found;
  const inEach = [...first.keys()].map((field) => found.map((word) => word.get(field)));
  return anyOf(
    inEach.map((inOne) => {
      const known = inOne.filter((word) => word !== undefined);
      return known.length < inOne.length ? NOTHING : phraseIn(known, reader);
    }),
  );
}

function inField({ term, field }: SoughtWord & { readonly kind: "term" }, reader: SegmentReader): FoundWord {
  const postings = postingsOf(term, reader);
  return new Map(postings === undefined ? [] : [[field, postings]]);
}

function unionOf(postings: Postings, reader: SegmentReader): Evaluation {
  const bits = (piece: number, mask: PieceBits): PieceBits => postings.bits(piece, mask);
  if (postings.only !== undefined) return { most: postings.df, isExact: true, bits };
  return { most: Math.min(reader.documents, postings.df), bits };
}

/** Adjacent words in one field. */
function phraseIn(words: readonly Postings[], reader: SegmentReader): Evaluation {
  const together = allOf(words.map((word) => unionOf(word, reader)));
  if (words.length === 1) return together;
  const order = constantOrder(words);
  if (order !== undefined) return order === "adjacent" ? together : NOTHING;
  return {
    most: together.most,
    bits: (piece, mask) => adjacentIn(words, piece, together.bits(piece, mask)),
  };
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

/**
 * Fewest first, so that an intersection soon becomes empty; a negation excludes nothing for certain, so it comes last.
 */
function allOf(parts: readonly Evaluation[]): Evaluation {
  const ordered = [...parts].sort((a, b) => a.most - b.most);
  const [least] = ordered;
  if (least === undefined) return { most: Infinity, bits: (_, mask) => mask };
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
