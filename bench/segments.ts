import { deepEqual } from "node:assert/strict";
import { utf8 } from "../src/core/bytes.js";
import { fieldText } from "../src/core/event.js";
import { buildSegment } from "../src/core/segment/build.js";
import type { SegmentFilter } from "../src/core/segment/filter.js";
import { columnOf, PIECE_DOCUMENTS, type KeyColumn, type Segment } from "../src/core/segment/format.js";
import { Group } from "../src/core/segment/group.js";
import { memorySource } from "../src/core/segment/memory-source.js";
import { MERGED_CHILDREN, mergeSegments } from "../src/core/segment/merge.js";
import { SegmentReader } from "../src/core/segment/read.js";
import { countMatches, matchingLeaves } from "../src/core/segment/search.js";
import { leavesByKey } from "../test/core/segment/sorted-leaves.js";
import type { LeafRange } from "../src/core/tree.js";
import type { IndexedEntry } from "../src/core/words/entry-terms.js";
import { nodeSha256 } from "../src/keys/node-crypto.js";
import { entryAt, eventAt } from "./events.js";
import { Fts5 } from "./fts5.js";

/**
 * Usage: node build/bench/segments.js [events] [runs]
 * What it costs to index `events` (65,536; a multiple of 4,096) entries as segments and with SQLite's FTS5, in
 * microseconds of processor time per entry; then `runs` (20) searches of each kind over both, interleaved, in
 * milliseconds, median and slowest, with the same results. Blocks are in memory. Only ratios within a run compare: the
 * machine does other things too.
 */
const events = Number(process.argv[2] ?? 65_536);
const runs = Number(process.argv[3] ?? 20);
const costs = { tokenise: 0, "level 0": 0, "level 1": 0, merge: 0, FTS5: 0 };
const fts5 = await Fts5.create();
let readers: SegmentReader[] = [];
let bytes = 0;

for (let number = 0; number < events / PIECE_DOCUMENTS; number++) index(number);
const { FTS5, ...ours } = costs;
const all = Object.values(ours).reduce((sum, cost) => sum + cost, 0);
for (const [step, cost] of Object.entries(ours)) console.log(`${step}: ${(cost / events).toFixed(1)} us/event`);
console.log(
  `all: ${(all / events).toFixed(1)} us/event, FTS5 ${(FTS5 / events).toFixed(1)} (${(FTS5 / all).toFixed(1)} times)`,
);
console.log(`level 1: ${Math.round(bytes / events)} bytes/event; ${readers.length} segments\n`);
search();
fts5.close();

function index(number: number): void {
  const entries = entriesOf(number);
  const group = new Group(number, nodeSha256);
  costs.tokenise += micros(() => {
    for (const entry of entries) group.add(entry);
  });
  costs["level 0"] += micros(() => {
    for (let place = 0; place < 16; place++) buildSegment(group, 0, place);
  });
  costs["level 1"] += micros(() => {
    const segment = buildSegment(group, 1);
    bytes += sizeOf(segment);
    readers.push(readerOf(segment));
  });
  costs.merge += micros(merge);
  costs.FTS5 += micros(() => {
    fts5.add(number * PIECE_DOCUMENTS, entries);
  });
}

/** Merges the last 16 segments of a level as often as there are. */
function merge(): void {
  for (;;) {
    const children = readers.slice(-MERGED_CHILDREN);
    const [first] = children;
    const isRow = children.every(({ header }) => header.level === first?.header.level);
    if (children.length < MERGED_CHILDREN || !isRow || (first?.header.number ?? 1) % MERGED_CHILDREN !== 0) return;
    readers = [...readers.slice(0, -MERGED_CHILDREN), readerOf(mergeSegments(children))];
  }
}

interface Kind {
  readonly filter: (random: () => number) => SegmentFilter;
  readonly range?: LeafRange;
  readonly by?: KeyColumn;
  readonly counts?: boolean;
}

function search(): void {
  const whole = { start: 0, end: events };
  const phrase = (text: string, more: object = {}): SegmentFilter => ({
    ...{ kind: "phrase", field: undefined, words: text.split(" "), prefix: false },
    ...more,
  });
  const exact = (field: "actor" | "status", value: string): SegmentFilter => ({ kind: "exact", field, value });
  const pick = (random: () => number): ReturnType<typeof eventAt> => eventAt(Math.floor(random() * events));
  const wordsOf = (random: () => number): readonly string[] => fieldText(pick(random).message).split(" ");
  const failed = exact("status", "failed");
  const actor = (random: () => number): string => pick(random).actor ?? "";
  const and = (...filters: SegmentFilter[]): SegmentFilter => ({ kind: "and", filters });
  const kinds: Readonly<Record<string, Kind>> = {
    "warm-up": { filter: (random) => phrase(wordsOf(random)[7] ?? "") },
    "rare word": { filter: (random) => phrase(wordsOf(random).at(-1) ?? "") },
    "absent word": { filter: (random) => phrase(`absent${Math.floor(1_000 * random())}`) },
    "33 % word": { filter: () => phrase("failed") },
    "0.1 % word": { filter: (random) => phrase(wordsOf(random)[0] ?? "") },
    "actor:value": { filter: (random) => phrase(actor(random).replace(/\W/g, " "), { field: "actor" }) },
    "actor=value": { filter: (random) => exact("actor", actor(random)) },
    "actor= status=": { filter: (random) => and(exact("actor", actor(random)), failed) },
    "two words": { filter: (random) => and(phrase(wordsOf(random)[4] ?? ""), phrase(wordsOf(random)[6] ?? "")) },
    "phrase of two": { filter: (random) => phrase(wordsOf(random).slice(5, 7).join(" "), { field: "message" }) },
    "phrase everywhere": { filter: () => phrase("changed the") },
    "prefix of 3 letters": { filter: (random) => phrase((wordsOf(random)[0] ?? "").slice(0, 3), { prefix: true }) },
    "NOT 33 %": { filter: () => ({ kind: "not", filter: failed }) },
    "5 % window, word": {
      filter: (random) => phrase(wordsOf(random)[0] ?? ""),
      range: { start: Math.floor(0.4 * events), end: Math.floor(0.45 * events) },
    },
    "count 33 %": { filter: () => phrase("failed", { field: "status" }), counts: true },
    "count actor= status=": { filter: (random) => and(exact("actor", actor(random)), failed), counts: true },
    "count a twelfth": { filter: () => and(failed, phrase("login", { field: "action" })), counts: true },
    "count phrase": { filter: (random) => phrase(wordsOf(random).slice(5, 7).join(" ")), counts: true },
    "count prefix": {
      filter: (random) => phrase((wordsOf(random)[0] ?? "").slice(0, 2), { prefix: true }),
      counts: true,
    },
    "sort actor, 33 %": { filter: () => failed, by: "actor" },
    "sort target, 33 %": { filter: () => failed, by: "target" },
    "sort message, one actor": { filter: (random) => exact("actor", actor(random)), by: "message" },
    "sort actor, all": { filter: () => ({ kind: "all" }), by: "actor" },
  };
  for (const [name, kind] of Object.entries(kinds)) {
    const random = sequence(name.length);
    const times = { ours: [] as number[], fts5: [] as number[] };
    for (let run = 0; run < runs; run++) {
      const filter = kind.filter(random);
      const range = kind.range ?? whole;
      const ours = timed(times.ours, () => segmentsFind(filter, range, kind));
      const theirs = timed(times.fts5, () =>
        kind.counts === true ? fts5.count(filter, range) : fts5.page(filter, range, kind.by),
      );
      deepEqual(ours, theirs, `${name}: ${JSON.stringify(filter)}`);
    }
    console.log(`${name}: ${shown(times.ours)}, FTS5 ${shown(times.fts5)}`);
  }
}

function segmentsFind(filter: SegmentFilter, range: LeafRange, { by, counts }: Kind): unknown {
  const segments = { readers, sha256: nodeSha256 };
  const query = { filter, range, descending: true };
  if (counts === true) return countMatches(segments, query);
  const keyOf = (leaf: number): Uint8Array => {
    const value = by && eventAt(leaf)[by];
    return utf8(value === undefined ? "" : fieldText(value).slice(0, 128));
  };
  const found =
    by === undefined
      ? matchingLeaves(segments, query)
      : leavesByKey(segments, query, { column: columnOf(by) ?? 0, keyOf });
  const page: number[] = [];
  for (const leaf of found) if (page.push(leaf) === 50) break;
  return page;
}

function timed<T>(times: number[], work: () => T): T {
  const start = performance.now();
  const result = work();
  times.push(performance.now() - start);
  return result;
}

function shown(times: number[]): string {
  const sorted = times.sort((a, b) => a - b);
  return `${(sorted[sorted.length >> 1] ?? 0).toFixed(2)}/${(sorted.at(-1) ?? 0).toFixed(2)}`;
}

function sequence(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function entriesOf(number: number): readonly IndexedEntry[] {
  return Array.from({ length: PIECE_DOCUMENTS }, (_, place) => {
    const { canonical, leafHash } = entryAt(number * PIECE_DOCUMENTS + place);
    return { canonical: utf8(canonical), leafHash };
  });
}

function micros(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function readerOf(segment: Segment): SegmentReader {
  return new SegmentReader(memorySource(segment));
}

function sizeOf({ blocks }: Segment): number {
  return blocks.reduce((sum, block) => sum + block.length, 0);
}
