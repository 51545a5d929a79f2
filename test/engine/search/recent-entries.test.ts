import { afterAll, expect, test } from "@jest/globals";
import { storedEntries } from "../../../src/engine/search/log-rows.js";
import type { Part } from "../../../src/engine/search/matches.js";
import { RecentEntries } from "../../../src/engine/search/recent-entries.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { logged } from "../../stores/search-events.js";
import { LOG, logOf } from "./segment-indexes.js";

const maker = new SegmentMaker();
afterAll(() => maker.close());

async function partsOf(messages: readonly string[]): Promise<readonly Part[]> {
  const log = await logOf(messages.map((message, leaf) => logged({ message }, leaf)));
  return new RecentEntries(storedEntries(log, LOG), maker).upTo(messages.length, 0);
}

const shape = ({ kind, range }: Part): string => `${kind} ${range.start}-${range.end}`;

test("the newest entries are segments of 256, and rows behind them", async () => {
  const parts = await partsOf(Array.from({ length: 600 }, (_, i) => `m${i}`));
  expect(parts.map(shape)).toEqual(["segment 0-256", "segment 256-512", "rows 512-600"]);
});

test("long entries make shorter parts, and none goes over a multiple of 256", async () => {
  const long = "-".repeat(2 ** 17);
  const parts = await partsOf(Array.from({ length: 258 }, (_, i) => (i < 5 || i > 253 ? `m${i} ${long}` : `m${i}`)));
  expect(parts.map(shape)).toEqual([
    "segment 0-2",
    "segment 2-4",
    "segment 4-255",
    "segment 255-256",
    "segment 256-258",
  ]);
});

test("what a search finds in the words of a part is forgotten with the search", async () => {
  const [part] = await partsOf(Array.from({ length: 256 }, (_, i) => `m${i}`));
  if (part?.kind !== "segment") throw new Error("a segment");
  const [first, second] = [part.segment.session(), part.segment.session()];
  const readers = await Promise.all([first, first, second].map((session) => session.read((reader) => reader)));
  expect(readers[0]).toBe(readers[1]);
  expect(readers[0]).not.toBe(readers[2]);
});
