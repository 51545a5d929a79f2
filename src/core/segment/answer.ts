import type { LogFormat } from "../format.js";
import type { Sha256 } from "../bytes.js";
import type { LeafRange } from "../tree.js";
import { buildSegment } from "./build.js";
import type { SegmentFilter } from "./filter.js";
import { PIECE_DOCUMENTS } from "./format.js";
import { Group } from "./group.js";
import { BASE_ENTRIES } from "./index-log.js";
import { memorySource } from "./memory-source.js";
import { SegmentReader } from "./read.js";
import { countMatches, matchingLeaves } from "./search.js";

/** A question whose answer can be proven complete. */
export interface Question {
  readonly filter: SegmentFilter;
  /** Times of receipt from `from` up to but not including `until`, as envelopes spell them; undefined: no bound. */
  readonly window: { readonly from: string | undefined; readonly until: string | undefined };
  /** Only leaves after this one, in the direction of the question. */
  readonly after: number | undefined;
  readonly descending: boolean;
  readonly wanted:
    | { readonly kind: "page"; readonly limit: number }
    /** `cap`: where counting may stop. */
    | { readonly kind: "count"; readonly cap: number | undefined };
}

export type Answer =
  /** Leaves in the order of the question. */
  | { readonly kind: "page"; readonly leaves: readonly number[] }
  /** `isExact`: false where there may be more. */
  | { readonly kind: "count"; readonly count: number; readonly isExact: boolean };

/** An entry of the log. */
export interface LogEntry {
  readonly leaf: number;
  /** The UTF-8 of its canonical text. */
  readonly canonical: Uint8Array;
}

/** The leaves that the question covers: those of the window after `after`. */
export function rangeOf({ after, descending }: Question, window: LeafRange): LeafRange {
  if (after === undefined) return window;
  const { start, end } = window;
  return descending
    ? { start, end: Math.max(start, Math.min(end, after)) }
    : { start: Math.min(end, Math.max(start, after + 1)), end };
}

/** An answer, and the part of the range that decides it: a full page or a count at its cap ends it early. */
export interface Decided {
  readonly answer: Answer;
  readonly deciding: LeafRange;
}

/** Answers a question over readers that tile a range. Throws as `matchingLeaves`. */
export function decide(
  readers: readonly SegmentReader[],
  question: Question,
  { range, sha256 }: { readonly range: LeafRange; readonly sha256: Sha256 },
): Decided {
  const { filter, descending, wanted } = question;
  const [segments, query] = [
    { readers, sha256 },
    { filter, range, descending },
  ];
  const most = wanted.kind === "page" ? wanted.limit : wanted.cap;
  if (most === undefined) {
    const count = countMatches(segments, query);
    return { answer: { kind: "count", count, isExact: true }, deciding: range };
  }
  const leaves: number[] = [];
  if (most > 0) for (const leaf of matchingLeaves(segments, query)) if (leaves.push(leaf) === most) break;
  const deciding = decidingPart(leaves, { most, range, descending });
  if (wanted.kind === "page") return { answer: { kind: "page", leaves }, deciding };
  return { answer: { kind: "count", count: leaves.length, isExact: leaves.length < most }, deciding };
}

/**
 * The part of a range that decides an answer of at most `most` leaves: up to the last of them, or all of it if there
 * are fewer.
 */
export function decidingPart(
  leaves: readonly number[],
  asked: { readonly most: number; readonly range: LeafRange; readonly descending: boolean },
): LeafRange {
  const {
    most,
    range: { start, end },
    descending,
  } = asked;
  if (leaves.length < most) return { start, end };
  const last = leaves.at(-1);
  if (last === undefined) return descending ? { start: end, end } : { start, end: start };
  return descending ? { start: last, end } : { start, end: last + 1 };
}

/**
 * Readers over entries that are in no segment yet: segments of level 0 made on the fly, empty at leaves without a given
 * entry, so that one evaluator decides for all entries. The entries are in ascending order.
 */
export function tailReaders(entries: readonly LogEntry[], format: LogFormat, sha256: Sha256): readonly SegmentReader[] {
  const bases = new Map<number, Map<number, Uint8Array>>();
  for (const { leaf, canonical } of entries) {
    const base = Math.floor(leaf / BASE_ENTRIES);
    const ofBase = bases.get(base) ?? new Map<number, Uint8Array>();
    bases.set(base, ofBase.set(leaf, canonical));
  }
  return [...bases].map(([base, ofBase]) => {
    const group = new Group((base * BASE_ENTRIES) / PIECE_DOCUMENTS, sha256);
    for (let leaf = base * BASE_ENTRIES; leaf < (base + 1) * BASE_ENTRIES; leaf++) {
      const canonical = ofBase.get(leaf);
      if (canonical === undefined) group.skip();
      else group.add({ canonical, leafHash: format.leafHash(canonical) });
    }
    return new SegmentReader(memorySource(buildSegment(group, 0)));
  });
}

/** The entries beside a window's edges, which show that it is the window asked for, in a log of `size` entries. */
export function edgesOf({ window }: Question, { start, end }: LeafRange, size: number): readonly number[] {
  const beside = [
    ...(window.from === undefined ? [] : [start - 1, start]),
    ...(window.until === undefined ? [] : [end - 1, end]),
  ];
  return beside.filter((leaf) => leaf >= 0 && leaf < size);
}

/**
 * The entries that a proof over a range holds, in ascending order: those after the index, and those at the window's
 * edges.
 */
export function entriesToProve(range: LeafRange, edges: readonly number[], indexed: number): readonly number[] {
  const leaves = new Set(edges);
  for (let leaf = Math.max(range.start, indexed); leaf < range.end; leaf++) leaves.add(leaf);
  return [...leaves].sort((a, b) => a - b);
}
