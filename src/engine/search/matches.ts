import type { ReadEntries } from "../../audit/search-index.js";
import { countBits, isEmpty, setPlaces, type PieceBits } from "../../core/segment/bits.js";
import { evaluation, type Evaluation } from "../../core/segment/evaluate.js";
import type { SegmentFilter } from "../../core/segment/filter.js";
import type { SegmentReader } from "../../core/segment/read.js";
import { piecesIn, type PieceMask } from "../../core/segment/search.js";
import { Unfinished } from "../../core/segment/word-lookup.js";
import type { LeafRange } from "../../core/tree.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { READ_ENTRIES, readRows, type EntryText, type LogRow } from "./log-rows.js";
import { OpenSegment, prefetch, termsOf, type ReadableSegment, type SegmentSession } from "./open-segment.js";

/** Neighbouring leaves, and where to look for matches among them. */
export type Part =
  | { readonly kind: "segment"; readonly range: LeafRange; readonly segment: ReadableSegment }
  /** In memory, or else in the log. */
  | { readonly kind: "rows"; readonly range: LeafRange; readonly rows: readonly LogRow[] | undefined };

/** Matches among neighbouring leaves. */
export type Found =
  | PieceFound
  /** Rising. */
  | { readonly kind: "rows"; readonly rows: readonly LogRow[] };

export interface PieceFound {
  readonly kind: "piece";
  /** The piece's first leaf; bit n is the leaf at start + n. */
  readonly start: number;
  readonly bits: PieceBits;
  readonly segment: ReadableSegment;
  readonly session: SegmentSession;
  readonly piece: number;
}

/** What is looked for, in a segment and in a row: the same. */
export interface Sought {
  readonly filter: SegmentFilter;
  readonly isMatch: (row: LogRow) => boolean;
  /** Takes the number of matches of a whole segment, where its dictionary tells it: they are then not found one by one. */
  readonly takeCount?: (count: number) => void;
}

/** Matches long entries by their own text, away from the thread that answers requests. */
export interface LongMatcher {
  /** Rejects with the reason of the signal. */
  matches(filter: SegmentFilter, entry: EntryText, steps: Steps): Promise<boolean>;
}

/** What a search reads. */
export interface SearchedLog {
  readonly log: string;
  readonly entries: ReadEntries;
  readonly longEntries: LongMatcher;
  /** They tile the query's range. */
  readonly parts: readonly Part[];
  readonly signal: AbortSignal | undefined;
}

/** Tiles a range with stored segments where there are any, then with what is in memory; what is left is read from the log. */
export function partsOf(
  range: LeafRange,
  stored: readonly ReadableSegment[],
  recent: readonly Part[],
): readonly Part[] {
  const parts: Part[] = [];
  let next = range.start;
  for (const part of [...stored.map(segmentPart), ...recent]) {
    const { start, end } = part.range;
    if (end <= next || start >= range.end) continue;
    if (start > next) parts.push(unread({ start: next, end: start }));
    parts.push({ ...part, range: { start: Math.max(start, next), end: Math.min(end, range.end) } });
    next = end;
  }
  if (next < range.end) parts.push(unread({ start: next, end: range.end }));
  return parts;
}

function segmentPart(segment: ReadableSegment): Part {
  return { kind: "segment", range: segment.range, segment };
}

function unread(range: LeafRange): Part {
  return { kind: "rows", range, rows: undefined };
}

/** All matches, piece by piece, in the order of leaves or against it. */
export async function* matchesOf(sought: Sought, searched: SearchedLog, descending: boolean): AsyncGenerator<Found> {
  const steps = new Steps(searched.signal);
  const parts = descending ? [...searched.parts].reverse() : searched.parts;
  const stored = parts.flatMap((part) =>
    part.kind === "segment" && part.segment instanceof OpenSegment ? [part.segment] : [],
  );
  const ahead = new Ahead(stored, sought.filter);
  for (const part of parts) {
    if (part.kind === "segment") {
      await ahead.reach(part.segment);
      yield* inSegment(sought, { part, steps, descending });
    } else yield* inRows(sought, { part, steps, descending, searched });
  }
}

/** Fetches for more and more segments at once: a search that goes through four will probably go through all. */
class Ahead {
  #next = 0;
  #step = 1;
  #terms: readonly Uint8Array[] | undefined;

  constructor(
    private readonly segments: readonly OpenSegment[],
    private readonly filter: SegmentFilter,
  ) {}

  async reach(segment: ReadableSegment): Promise<void> {
    if (segment !== this.segments[this.#next]) return;
    this.#terms ??= termsOf(this.filter);
    await prefetch(this.segments.slice(this.#next, this.#next + this.#step), this.#terms);
    this.#next += this.#step;
    this.#step *= 2;
  }
}

interface Walk<P> {
  readonly part: P;
  readonly steps: Steps;
  readonly descending: boolean;
}

async function* inSegment(
  { filter, takeCount }: Sought,
  { part, steps, descending }: Walk<Part & { readonly kind: "segment" }>,
): AsyncGenerator<PieceFound> {
  const { segment } = part;
  const session = segment.session();
  const { start } = segment.range;
  const { reader, evaluation: found } = await evaluated(filter, session, steps);
  if (found.most === 0) return;
  const within = { start: part.range.start - start, end: part.range.end - start };
  if (takeCount !== undefined && found.isExact === true && within.end - within.start === reader.documents) {
    takeCount(found.most);
    return;
  }
  const pieces = piecesIn(reader, within, descending);
  let next = pieces.next();
  /** The next piece with a match, for of what is rare most have none; or one without, when others have waited long enough. */
  const nextMatches = (): (PieceMask & { readonly bits: PieceBits }) | undefined => {
    while (next.done !== true) {
      const { value } = next;
      const bits = found.bits(value.piece, value.mask);
      next = pieces.next();
      if (!isEmpty(bits) || steps.isDue) return { ...value, bits };
    }
    return undefined;
  };
  for (let at = await session.read(nextMatches); at !== undefined; at = await session.read(nextMatches)) {
    yield { kind: "piece", start: start + at.start, bits: at.bits, segment, session, piece: at.piece };
    await steps.pause();
  }
}

async function* inRows(
  sought: Sought,
  walk: Walk<Part & { readonly kind: "rows" }> & { readonly searched: SearchedLog },
): AsyncGenerator<Found> {
  const { part, searched, steps } = walk;
  const { start, end } = part.range;
  let characters = 0;
  for await (const rows of chunks(walk)) {
    const matching: LogRow[] = [];
    for (const row of rows) {
      if (row.leafIndex < start || row.leafIndex >= end) continue;
      const long = longTextOf(sought, row);
      const isMatch =
        long === undefined ? sought.isMatch(row) : await searched.longEntries.matches(sought.filter, long, steps);
      if (isMatch) matching.push(row);
      characters += row.characters;
      if (characters < LOOKED_AT_CHARACTERS) continue;
      characters = 0;
      if (steps.isDue) await steps.pause();
    }
    steps.requireWanted();
    if (matching.length > 0) yield { kind: "rows", rows: matching };
  }
}

/** How much of rows is looked at before the clock is: to read it costs as much as to match an entry of the usual length again. */
const LOOKED_AT_CHARACTERS = 8_192;

/** What `sought.isMatch` would take too long over, unless it looks for a hash. */
function longTextOf({ filter }: Sought, { long }: LogRow): EntryText | undefined {
  return filter.kind === "leaf" ? undefined : long;
}

async function* chunks(walk: {
  readonly part: Part & { readonly kind: "rows" };
  readonly searched: SearchedLog;
  readonly descending: boolean;
}): AsyncGenerator<readonly LogRow[]> {
  const { range, rows } = walk.part;
  if (rows !== undefined) {
    yield rows;
    return;
  }
  for (let done = 0; done < range.end - range.start; done += READ_ENTRIES) {
    const ends = walk.descending ? range.end - done : range.start + done;
    const chunk = walk.descending
      ? { start: Math.max(range.start, ends - READ_ENTRIES), end: ends }
      : { start: ends, end: Math.min(range.end, ends + READ_ENTRIES) };
    yield await readRows(walk.searched, chunk);
  }
}

export function countOf(found: Found): number {
  return found.kind === "rows" ? found.rows.length : countBits(found.bits);
}

/** Rising. */
export function leavesIn(found: Found): readonly number[] {
  return found.kind === "rows"
    ? found.rows.map(({ leafIndex }) => leafIndex)
    : setPlaces(found.bits).map((place) => found.start + place);
}

/** How long a search may hold the event loop. */
const STEP_MS = 10;

/** Searches that wait for their next step. */
const WAITING: (() => void)[] = [];

/** Lets others run. Of several searches one at a time goes on then: each for itself, they would hold the event loop for a step of every one. */
function others(): Promise<void> {
  return new Promise((resolve) => {
    if (WAITING.push(resolve) === 1) setImmediate(goOn);
  });
}

function goOn(): void {
  WAITING.shift()?.();
  if (WAITING.length > 0) setImmediate(goOn);
}

/** Work in steps: others run between them, and it ends when its signal aborts. */
export class Steps {
  #since = performance.now();

  constructor(private readonly signal?: AbortSignal) {}

  /** Whether others have waited long enough. */
  get isDue(): boolean {
    return performance.now() - this.#since > STEP_MS;
  }

  /** Called between two pieces of work of at most some milliseconds. Rejects with the signal's reason once it aborts. */
  async pause(): Promise<void> {
    if (this.isDue) {
      await others();
      this.#since = performance.now();
    }
    this.requireWanted();
  }

  /** Throws the signal's reason once it aborts. */
  requireWanted(): void {
    this.signal?.throwIfAborted();
  }
}

/** Dictionary blocks that are looked through in one go: some milliseconds. */
const STEP_BLOCKS = 32;

/** A filter over one segment, and the reader that it was evaluated with. */
export interface Evaluated {
  readonly reader: SegmentReader;
  readonly evaluation: Evaluation;
}

/** Evaluates a filter over a segment, looking up the words of its prefixes in steps. Rejects as the session and the steps do. */
export async function evaluated(filter: SegmentFilter, session: SegmentSession, steps: Steps): Promise<Evaluated> {
  for (;;) {
    const found = await session.read((reader) => evaluatedSoFar(filter, reader));
    await steps.pause();
    if (found !== undefined) return found;
  }
}

/** Undefined where a prefix has more words than one step may look up: they are kept with the reader. */
function evaluatedSoFar(filter: SegmentFilter, reader: SegmentReader): Evaluated | undefined {
  try {
    return { reader, evaluation: evaluation(filter, { reader, sha256: nodeSha256, blocks: STEP_BLOCKS }) };
  } catch (error) {
    if (error instanceof Unfinished) return undefined;
    throw error;
  }
}
