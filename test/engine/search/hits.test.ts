import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { BlockStore } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import type { Entry } from "../../../src/audit/service.js";
import type { LogStore } from "../../../src/audit/store.js";
import { digestOf } from "../../../src/core/bytes.js";
import { LONG_CHARACTERS } from "../../../src/engine/search/log-rows.js";
import { SegmentIndex } from "../../../src/engine/search/segment-index.js";
import type { Filter } from "../../../src/query/filter.js";
import { logged } from "../../stores/search-events.js";
import { idle, LOG, logOf } from "./segment-indexes.js";

const SIZE = 5;
const word: Filter = { kind: "phrase", field: undefined, words: ["night"], prefix: false };
const query = { log: LOG, filter: word, range: { start: 0, end: SIZE } } as const;
const newest = { ...query, order: { field: "received_at", direction: "desc" } } as const;

let read: number[];
let closed: number;
let index: SegmentIndex;
beforeEach(async () => {
  [read, closed] = [[], 0];
  const log = await logOf(Array.from({ length: SIZE }, (_, leaf) => logged({ message: `night ${leaf}` }, leaf)));
  const counted = replaced<LogStore>(log, {
    entries: (name, leaves, signal) => (read.push(...leaves), log.entries(name, leaves, signal)),
  });
  const blocks = replaced<BlockStore>(idle(), { close: () => Promise.resolve(void (closed += 1)) });
  index = new SegmentIndex({ log: counted, blocks, isShared: false });
});
afterEach(() => index.close());

const ports = (): number => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;

function entryOf(message: string): Entry {
  const event = { message };
  const canonical = JSON.stringify({ event, received_at: "2026-01-01T00:00:00.000000Z" });
  const envelope = { event, received_at: "2026-01-01T00:00:00.000000Z" };
  return { canonical, envelope, hash: digestOf(new Uint8Array(32)), log: LOG, leafIndex: 0 };
}

test("entries are read once for all searches, and the store is closed with the index", async () => {
  const count = await index.count(newest, 10);
  const page = await index.page(newest, { limit: 2 });
  expect([count, page, read]).toEqual([SIZE, [4, 3], [0, 1, 2, 3, 4]]);
  await index.close();
  expect(closed).toBe(1);
});

test.each([
  [{ limit: 0 }, []],
  [{ limit: 2, offset: 1 }, [3, 2]],
  [{ limit: 9, offset: 4 }, [0]],
  [{ limit: 2, after: 3 }, [2, 1]],
  [{ limit: 2, after: 4, offset: 2 }, [1, 0]],
])("a page of five, newest first, at %j is %j", async (slice, leaves) => {
  expect(await index.page(newest, slice)).toEqual(leaves);
  const oldest = { ...query, order: { field: "received_at", direction: "asc" } } as const;
  const { after, ...rest } = { after: undefined, ...slice };
  const mirrored = { ...rest, ...(after !== undefined && { after: SIZE - 1 - after }) };
  expect(await index.page(oldest, mirrored)).toEqual(leaves.map((leaf) => SIZE - 1 - leaf));
  const byMessage = { ...query, order: { field: "message", direction: "desc" } } as const;
  expect(await index.page(byMessage, slice)).toEqual(leaves);
});

test("a hit is told here, but for a long entry, whose words a thread cuts", async () => {
  const [short, long] = [entryOf("by night"), entryOf(`by night${" ".repeat(LONG_CHARACTERS)}`)];
  const told: boolean[] = [];
  for (const [filter, entry, threads] of [
    [word, short, 0],
    [{ kind: "all" } as const, long, 0],
    [word, long, 1],
  ] as const) {
    const hit = index.isMatch(filter, entry);
    await new Promise(setImmediate);
    expect(ports()).toBe(threads);
    told.push(await hit);
  }
  expect(told).toEqual([true, true, true]);
});

test("a search that nobody wants is not begun", async () => {
  const gone = AbortSignal.abort(new Error("gone"));
  await expect(index.count(newest, 10, gone)).rejects.toThrow("gone");
  expect(read).toEqual([]);
});
