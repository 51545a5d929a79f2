import { expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import type { IndexQuery } from "../../../src/audit/search-index.js";
import type { LogStore } from "../../../src/audit/store.js";
import { logged } from "../../stores/search-events.js";
import { LOG, logOf, opened } from "./segment-indexes.js";

const SIZE = 300;
const query: IndexQuery = {
  log: LOG,
  filter: { kind: "phrase", field: undefined, words: ["rare"], prefix: false },
  range: { start: 0, end: SIZE },
  order: { field: "received_at", direction: "asc" },
};
/** A log with the word at one place, which ends as every other of its size. */
const rareAt = (place: number) =>
  logOf(Array.from({ length: SIZE }, (_, at) => logged({ message: at === place ? "rare" : "usual" }, at)));

test("an index of a shared store looks whether the log is another one, unless its caller has just done so", async () => {
  const [first, second] = [await rareAt(7), await rareAt(30)];
  let leader = first;
  const looked: (readonly number[])[] = [];
  const log = replaced<LogStore>(first, {
    entries: (name, leafIndexes) => {
      looked.push(leafIndexes);
      return leader.entries(name, leafIndexes);
    },
  });
  const index = opened(log, { isShared: true });
  const page = (history?: number) => index.page({ ...query, history }, { limit: 9 });
  expect(await page(4)).toEqual([7]);
  looked.length = 0;
  expect(await page(4)).toEqual([7]);
  expect(looked).toEqual([]);
  expect(await page()).toEqual([7]);
  expect(looked).toEqual([[SIZE - 1]]);
  leader = second;
  expect(await page(5)).toEqual([30]); // though both end alike, which looking could not tell apart
});
