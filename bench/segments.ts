import { utf8 } from "../src/core/bytes.js";
import { buildSegment } from "../src/core/segment/build.js";
import { PIECE_DOCUMENTS, type Segment } from "../src/core/segment/format.js";
import { Group } from "../src/core/segment/group.js";
import { nodeSha256 } from "../src/keys/node-crypto.js";
import type { IndexedEntry } from "../src/core/words/entry-terms.js";
import { entryAt } from "./events.js";

/**
 * Usage: node build/bench/segments.js [events]
 * What it costs to index `events` (65,536) entries as segments: microseconds of processor time and bytes per entry, and
 * each step as a share of all. Only the shares compare between runs: the machine does other things too.
 */
const events = Number(process.argv[2] ?? 65_536);
const costs = { tokenise: 0, "level 0": 0, "level 1": 0 };
let bytes = 0;

for (let number = 0; number < events / PIECE_DOCUMENTS; number++) {
  const entries = entriesOf(number);
  const group = new Group(number, nodeSha256);
  costs.tokenise += micros(() => {
    for (const entry of entries) group.add(entry);
  });
  costs["level 0"] += micros(() => {
    for (let place = 0; place < 16; place++) buildSegment(group, 0, place);
  });
  costs["level 1"] += micros(() => {
    bytes += sizeOf(buildSegment(group, 1));
  });
}

const all = Object.values(costs).reduce((sum, cost) => sum + cost, 0);
for (const [step, cost] of Object.entries(costs))
  console.log(`${step}: ${(cost / events).toFixed(1)} us/event, ${Math.round((100 * cost) / all)} %`);
console.log(`all: ${(all / events).toFixed(1)} us/event; level 1: ${Math.round(bytes / events)} bytes/event`);

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

function sizeOf({ blocks }: Segment): number {
  return blocks.reduce((sum, block) => sum + block.length, 0);
}
