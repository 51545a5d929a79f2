import fc from "fast-check";
import type { IndexQuery } from "../../../src/audit/search-index.js";
import type { LogStore } from "../../../src/audit/store.js";
import { utf8, utf8Text } from "../../../src/core/bytes.js";
import { EVENT_FIELDS } from "../../../src/core/event.js";
import { readEnvelope } from "../../../src/core/format.js";
import { compareBytes, type Segment } from "../../../src/core/segment/format.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import { leavesOf } from "../../../src/core/segment/search.js";
import type { LeafRange } from "../../../src/core/tree.js";
import { readRows, storedEntries } from "../../../src/engine/search/log-rows.js";
import { partsOf, type Part, type SearchedLog, type Sought } from "../../../src/engine/search/matches.js";
import type { ReadableSegment } from "../../../src/engine/search/open-segment.js";
import { matcherOf, type Filter } from "../../../src/query/filter.js";
import { sortKey } from "../../../src/query/order.js";
import { baseSegments, entryAt, groupOf } from "../../core/segment/corpus.js";
import { receivedAt } from "../../stores/batches.js";
import { LOG, logOf } from "./segment-indexes.js";
import { SearchableEvent } from "../../../src/core/words/entry-terms.js";

const BASE = 256;
export const SIZE = 3 * BASE + 100;
export const SEED = 20_261_129;

const texts = Array.from({ length: SIZE }, (_, leaf) => utf8Text(entryAt(leaf).canonical) ?? "");
export const events = texts.map((text) => readEnvelope(text)?.event);

let log: LogStore;
let entries: SearchedLog["entries"];
let bases: readonly ReadableSegment[];

/** Before any test. */
export async function makeSmallLog(): Promise<LogStore> {
  const stored = texts.map((canonical, leaf) => {
    return { canonical, leafHash: entryAt(leaf).leafHash, receivedAt: receivedAt(leaf) };
  });
  log = await logOf(stored);
  entries = storedEntries(log, LOG);
  bases = baseSegments(groupOf(0, 3 * BASE)).map(readable);
  return log;
}

export function readable(segment: Segment): ReadableSegment {
  const reader = new SegmentReader(memorySource(segment));
  return { range: leavesOf(segment), session: () => ({ read: (run) => Promise.resolve(run(reader)) }) };
}

async function inMemory(range: LeafRange): Promise<Part> {
  const rows = [];
  for (let start = range.start; start < range.end; start += 64)
    rows.push(...(await readRows({ entries }, { start, end: Math.min(range.end, start + 64) })));
  return { kind: "rows", range, rows };
}

const inBase = (number: number): LeafRange => ({ start: number * BASE, end: Math.min(SIZE, (number + 1) * BASE) });

/** What is stored of each base, and what is in memory of each; what is neither is read from the log. */
export interface Layout {
  readonly stored: readonly boolean[];
  readonly recent: readonly ("segment" | "rows" | "nothing")[];
}

export async function searched(range: LeafRange, { stored, recent }: Layout): Promise<SearchedLog> {
  const newest = await Promise.all(
    recent.map(async (kind, number): Promise<readonly Part[]> => {
      const segment = bases[number];
      if (kind === "segment" && segment !== undefined) return [{ kind, range: segment.range, segment }];
      return kind === "rows" ? [await inMemory(inBase(number))] : [];
    }),
  );
  const kept = bases.filter((_, number) => stored[number] === true);
  const longEntries = { matches: () => Promise.reject(new Error("no entry is long")) };
  const read: SearchedLog["entries"] = (leaves, signal) => {
    if (leaves.length === 0) throw new Error("a read of nothing");
    return entries(leaves, signal);
  };
  return { log: "default", entries: read, longEntries, parts: partsOf(range, kept, newest.flat()), signal: undefined };
}

export const sought = (filter: Filter): Sought => ({
  filter,
  isMatch: (row) => matcherOf(filter)(row.searchable),
});

export function plainly({ filter, range }: Pick<IndexQuery, "filter" | "range">): readonly number[] {
  const leaves = Array.from({ length: range.end - range.start }, (_, place) => range.start + place);
  return leaves.filter((leaf) => {
    const event = events[leaf];
    return matcherOf(filter)(new SearchableEvent(event));
  });
}

const word = fc.constantFrom("alice", "logged", "in", "lo", "東", "7", "example", "nowhere");
const field = fc.constantFrom(...EVENT_FIELDS);
export const filters = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.constant({ kind: "all" as const }),
    fc.record({
      kind: fc.constant("phrase" as const),
      field: fc.option(field, { nil: undefined }),
      words: fc.array(word, { minLength: 1, maxLength: 2 }),
      prefix: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("exact" as const),
      field,
      value: fc.constantFrom("", "ok", "failed", "edge", "user7@example.com", "/api/3", "nobody"),
    }),
    fc.record({ kind: fc.constant("not" as const), filter: tie("filter") }),
  ),
})).filter;
export const leaf = fc.nat(SIZE - 1);
export const layouts = fc.record({
  stored: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  recent: fc.array(fc.constantFrom("segment" as const, "rows" as const, "nothing" as const), {
    minLength: 4,
    maxLength: 4,
  }),
});
export const range = fc
  .oneof(fc.tuple(leaf, leaf), fc.constant([0, SIZE] as const))
  .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
export const asked = fc.record({ filter: filters, range, layout: layouts });

/** All matches behind a leaf, in the order asked. */
export function inOrder({ filter, range, order }: Omit<IndexQuery, "log">, after?: number): readonly number[] {
  const key = (at: number): Uint8Array => {
    const event = events[at];
    return event === undefined || order.field === "received_at" ? new Uint8Array() : utf8(sortKey(event, order.field));
  };
  const sign = order.direction === "desc" ? -1 : 1;
  const compare = (a: number, b: number): number => sign * (compareBytes(key(a), key(b)) || a - b);
  return plainly({ filter, range })
    .filter((at) => after === undefined || compare(at, after) > 0)
    .sort(compare);
}
