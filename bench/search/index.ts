import { loadavg } from "node:os";
import { deepEqual } from "node:assert/strict";
import { utf8 } from "../../src/core/bytes.js";
import { fieldText } from "../../src/core/event.js";
import { columnOf, PIECE_DOCUMENTS } from "../../src/core/segment/format.js";
import type { SegmentFilter } from "../../src/core/segment/filter.js";
import { countMatches, matchingLeaves } from "../../src/core/segment/search.js";
import type { SegmentReader } from "../../src/core/segment/read.js";
import type { LeafRange } from "../../src/core/tree.js";
import type { IndexedEntry } from "../../src/core/words/entry-terms.js";
import { nodeSha256 } from "../../src/keys/node-crypto.js";
import { leavesByKey } from "../../test/core/segment/sorted-leaves.js";
import { entryAt, eventAt } from "../events.js";
import { figure, machine, median, processorMicros } from "../machine.js";
import { BuiltIndex } from "./built.js";
import { Fts5 } from "./fts5.js";
import { Gin } from "./gin.js";
import { KINDS, type Kind } from "./kinds.js";
import { printProofs } from "./proofs.js";

/**
 * Usage: node --max-old-space-size=8192 build/bench/search/index.js [runs] [events …]
 * What it costs to index `events` (98,304 and 1,114,112; multiples of 4,096) entries as segments, with SQLite's FTS5 and as a tsvector
 * column under a GIN index in a PostgreSQL of its own, by turns, in microseconds of processor time an entry; then `runs` (20) searches of
 * each kind over the three, by turns, in milliseconds, medians, with the same results; then proofs that results are complete. Segments are in
 * memory, and PostgreSQL is asked through a connection. Only ratios within a run compare: the machine does other things too.
 */
const [runs = 20, ...given] = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [98_304, 1_114_112];
/** Searches of each kind that are not measured. */
const WARM_UP = 3;
const BAR = { bytes: 180, count: 10, sort: 10, ms: 1, gin: 4, rebuildMicros: 60 };

interface Contenders {
  readonly ours: BuiltIndex;
  readonly fts5: Fts5;
  readonly gin: Gin;
}

console.log(`${machine()}; load ${loadavg().map(figure).join(", ")}`);
for (const events of sizes) {
  const contenders = { ours: new BuiltIndex(), fts5: await Fts5.create(), gin: await Gin.create() };
  try {
    await build(contenders, events);
    console.log("| search | segments | FTS5 | GIN | FTS5 / segments | GIN / segments | bar |");
    const readers = contenders.ours.readers();
    for (const [name, kind] of Object.entries(KINDS)) await search(contenders, readers, { name, kind });
    console.log("| proof | blocks of segments | KiB | KiB of texts | prove | verify | bar |");
    printProofs(contenders.ours, runs);
    console.log(`load ${loadavg().map(figure).join(", ")}\n`);
  } finally {
    contenders.fts5.close();
    await contenders.gin.close();
  }
}

async function build({ ours, fts5, gin }: Contenders, events: number): Promise<void> {
  const cost = { fts5: 0, gin: 0 };
  for (let group = 0; group < events / PIECE_DOCUMENTS; group++) {
    const entries = entriesOf(group);
    ours.add(group, entries);
    cost.fts5 += processorMicros(() => {
      fts5.add(group * PIECE_DOCUMENTS, entries);
    });
    cost.gin += await gin.add(group * PIECE_DOCUMENTS, entries);
  }
  cost.gin += await gin.finish();
  const each = (micros: number): number => micros / events;
  const all = Object.values(ours.costs).reduce((sum, micros) => sum + micros, 0);
  const steps = Object.entries(ours.costs).map(([step, micros]) => `${step} ${figure(each(micros))}`);
  const flat = all - ours.costs["level 3"];
  const [fewer, withLevel3] = [cost.fts5 / flat, cost.fts5 / all];
  const bar = events < 2 ** 20 ? 2.5 : 3.5;
  console.log(`${figure(events)} events, microseconds each: segments ${figure(each(all))} (${steps.join(", ")})`);
  tell(`FTS5 ${figure(each(cost.fts5))}, ${figure(fewer)} times segments without level 3`, bar, fewer >= bar);
  if (ours.costs["level 3"] > 0) tell(`${figure(withLevel3)} times segments with level 3`, 3, withLevel3 >= 3);
  tell(`GIN ${figure(each(cost.gin))}, ${figure(cost.gin / all)} times segments`, BAR.gin, cost.gin / all >= BAR.gin);
  tell(`rebuild of 10^6 ${figure(each(all))} s a core`, BAR.rebuildMicros, each(all) <= BAR.rebuildMicros);
  const bytes = each(ours.bytes());
  tell(`${figure(bytes)} bytes an event live; GIN ${figure(each(await gin.bytes()))}`, BAR.bytes, bytes <= BAR.bytes);
  console.log(`to 10^9 at this rate: ${figure((each(all) * 1e9) / 3.6e9)} hours a core, ${figure(bytes)} GB\n`);
}

function tell(what: string, bar: number, isReached: boolean): void {
  console.log(`${what}: ${isReached ? "reached" : "MISSED"} (${bar})`);
}

interface Search {
  readonly name: string;
  readonly kind: Kind;
}

/** Each kind over the three by turns. */
async function search(
  { fts5, gin, ours }: Contenders,
  readers: readonly SegmentReader[],
  { name, kind }: Search,
): Promise<void> {
  const random = sequence(name.length);
  const times = { ours: [] as number[], fts5: [] as number[], gin: [] as number[] };
  const range = kind.range?.(ours.size) ?? { start: 0, end: ours.size };
  for (let run = -WARM_UP; run < runs; run++) {
    const into = run < 0 ? { ours: [], fts5: [], gin: [] } : times;
    const filter = kind.filter(() => eventAt(Math.floor(random() * ours.size)));
    const found = await timed<unknown>(into.ours, () => segmentsFind(readers, kind, { filter, range }));
    const inFts5 = await timed<unknown>(into.fts5, () =>
      kind.counts === true ? fts5.count(filter, range) : fts5.page(filter, range, kind.by),
    );
    deepEqual(found, inFts5, `${name}: ${JSON.stringify(filter)}`);
    if (kind.isInField === true) continue; // a tsvector does not say of which field a word is
    const inGin = await timed<unknown>(into.gin, () =>
      kind.counts === true ? gin.count(filter, range) : gin.page(filter, range, kind.by),
    );
    deepEqual(found, inGin, `${name} in PostgreSQL: ${JSON.stringify(filter)}`);
  }
  const [ms, theirs, theirsToo] = [median(times.ours), median(times.fts5), median(times.gin)];
  const bar = kind.counts === true ? BAR.count : kind.by === undefined ? 1 : BAR.sort;
  const isReached = theirs / ms >= bar || (bar === 1 && ms <= BAR.ms);
  const shown = kind.isInField === true ? ["", ""] : [figure(theirsToo), figure(theirsToo / ms)];
  console.log(
    `| ${name} | ${figure(ms)} | ${figure(theirs)} | ${shown[0] ?? ""} | ${figure(theirs / ms)} | ${shown[1] ?? ""} | ${bar === 1 ? "1x or 1 ms" : `${bar}x`}: ${isReached ? "reached" : "MISSED"} |`,
  );
}

interface Asked {
  readonly filter: SegmentFilter;
  readonly range: LeafRange;
}

function segmentsFind(readers: readonly SegmentReader[], { by, counts }: Kind, { filter, range }: Asked): unknown {
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

async function timed<T>(times: number[], work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  times.push(performance.now() - start);
  return result;
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
