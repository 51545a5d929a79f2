import { expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import { openCursors, strayCursors } from "../../../src/engine/search/page-cursors.js";
import type { PinnedState } from "../../../src/engine/search/pin.js";
import { Cursors, searchArguments } from "../../../src/engine/search/search-request.js";
import { TokenSealer } from "../../../src/keys/sealed-token.js";

const STATE: PinnedState = { treeSize: 10, range: { start: 2, end: 8 }, pinnedAtMs: 100, expiresAtMs: 200 };
const sealer = new TokenSealer(new Uint8Array(32).fill(1));
const cursors = new Cursors(sealer, searchArguments({ log: "default", query: "" }));
const at = (position: number, state = STATE): string => cursors.seal({ state, position });
const stray = (path: string) => ({ path, expected: "a cursor of this search", got: "a cursor of another search" });

test.each<[string, Partial<PinnedState>]>([
  ["tree", { treeSize: 11 }],
  ["start", { range: { start: 1, end: 8 } }],
  ["end", { range: { start: 2, end: 9 } }],
  ["time", { pinnedAtMs: 101 }],
  ["expiry", { expiresAtMs: 201 }],
])("a cursor of another %s is none of a result, nor of the one beside it", (_, change) => {
  const other = at(5, { ...STATE, ...change });
  expect(openCursors(cursors, { after: other }, { nowMs: 150, state: STATE }).problems).toEqual([stray("after")]);
  const both = openCursors(cursors, { after: at(3), before: other }, { nowMs: 150 });
  expect([both.after?.position, both.before, both.problems]).toEqual([3, undefined, [stray("before")]]);
});

test("cursors of one search are opened, and without them there is nothing to open", () => {
  const opened = openCursors(cursors, { after: at(3), before: at(7) }, { nowMs: 199, state: STATE });
  expect([opened.after, opened.before?.position, opened.problems]).toEqual([{ state: STATE, position: 3 }, 7, []]);
  const silent = replaced(cursors, { open: () => Promise.reject(new Error("not asked")) as never });
  expect(openCursors(silent, {}, { nowMs: 0 })).toEqual({ after: undefined, before: undefined, problems: [] });
});

test("an expired cursor, and one that is none, are said to be so", () => {
  const got = (after: string) => openCursors(cursors, { after }, { nowMs: 200 }).problems.map((problem) => problem.got);
  expect(got(at(3))).toEqual(["an expired cursor"]);
  expect(got("none")).toHaveLength(1);
});

test("of an invalid search every cursor is another's", () => {
  expect(strayCursors({ after: "a", before: "b" })).toEqual([stray("after"), stray("before")]);
  expect([strayCursors({ before: "b" }), strayCursors({})]).toEqual([[stray("before")], []]);
});
