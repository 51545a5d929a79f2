import { expect, test } from "@jest/globals";
import { MAX_REQUEST_EVENTS } from "../../../src/audit/service.js";
import { isPlaced } from "../../../src/engine/log/seals.js";

test.each([
  ["its entries end its tree, which is the log's", { firstIndex: 7, count: 3, treeSize: 10 }, true],
  ["its batch had more entries", { firstIndex: 2, count: 3, treeSize: 10 }, true],
  ["its tree ends before its entries", { firstIndex: 7, count: 4, treeSize: 10 }, false],
  ["its tree is larger than the log", { firstIndex: 7, count: 3, treeSize: 11 }, false],
  ["it is of one entry", { firstIndex: 0, count: 1, treeSize: 10 }, true],
  ["it has no entries", { firstIndex: 7, count: 0, treeSize: 10 }, false],
  ["it begins before the log", { firstIndex: -1, count: 3, treeSize: 10 }, false],
])("a receipt is placed in a log of ten entries or not: %s", (_, place, isIt) => {
  const bytes = new Uint8Array(32);
  expect(isPlaced({ key: bytes, requestDigest: bytes, ...place }, 10)).toBe(isIt);
});

test("a receipt has as many entries as a request may have, and no more", () => {
  const bytes = new Uint8Array(32);
  const size = 2 * MAX_REQUEST_EVENTS;
  const placed = (count: number): boolean =>
    isPlaced({ key: bytes, requestDigest: bytes, firstIndex: 0, count, treeSize: size }, size);
  expect([placed(MAX_REQUEST_EVENTS), placed(MAX_REQUEST_EVENTS + 1)]).toEqual([true, false]);
});
