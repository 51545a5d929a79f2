import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { StoredSegment } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import type { LogStore } from "../../../src/audit/store.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { SegmentIndex } from "../../../src/engine/search/segment-index.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { storedEntries } from "../../../src/engine/search/log-rows.js";
import { parseQuery } from "../../../src/query/parser.js";
import { logged } from "../../stores/search-events.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { closedGate } from "../test-log.js";
import { idle, LOG, logOf } from "./segment-indexes.js";

let log: LogStore;
let looks: number;
let claims: string[];
beforeEach(async () => {
  [looks, claims] = [0, []];
  log = await logOf(Array.from({ length: 3 }, (_, leaf) => logged({ message: `m${leaf}` }, leaf)));
});

/** Over a store whose log seems to have a whole group to be built, and which never has its turn. */
function index(isShared: boolean, heads: LogStore["heads"]): SegmentIndex {
  const blocks = replaced(idle(), { claim: (name) => (claims.push(name), Promise.resolve(false)) });
  const counted = replaced<LogStore>(log, {
    heads: () => ((looks += 1), heads()),
    head: async () => (await heads())[0],
  });
  return new SegmentIndex({ log: counted, blocks, isShared });
}

const grown = async (name = LOG): Promise<Awaited<ReturnType<LogStore["heads"]>>> =>
  (await log.heads()).map((head) => ({ ...head, log: name, size: 4_096 }));

describe("a log that nobody searches", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test.each([
    ["every second", false, 1_000],
    ["every five seconds where others do it too", true, 5_000],
  ])("is looked at when it is followed, and then %s, until the index is closed", async (_, isShared, periodMs) => {
    const swept = index(isShared, () => Promise.resolve([]));
    swept.follow(LOG, storedEntries(log, LOG));
    expect(looks).toBe(1);
    await jest.advanceTimersByTimeAsync(periodMs - 1);
    expect(looks).toBe(1);
    await jest.advanceTimersByTimeAsync(2 * periodMs + 1);
    expect(looks).toBe(4);
    await swept.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  test("has its segments built, and no log is that is not followed", async () => {
    const swept = index(false, () => grown());
    await jest.advanceTimersByTimeAsync(1_000);
    expect(claims).toEqual([]);
    swept.follow(LOG, storedEntries(log, LOG));
    await jest.advanceTimersByTimeAsync(10);
    expect(claims).toEqual([LOG]);
    await swept.close();
  });

  test("is gone on with when another gateway has ended in the middle of a merge, though the log does not grow", async () => {
    const hash = new Uint8Array(32).fill(1);
    const rows = Array.from({ length: 16 }, (_, number) => ({
      ...{ level: 1, number, blocks: 1, digest: hash, lastLeafHash: hash },
    }));
    let listed: readonly StoredSegment[] = rows;
    let isMine = false;
    const blocks = replaced(idle(), {
      segments: () => Promise.resolve(listed),
      claim: (name) => (claims.push(name), Promise.resolve(isMine)),
    });
    const heads: LogStore["heads"] = async () =>
      (await log.heads()).map((head) => ({ ...head, size: 16 * 4_096 + 99 }));
    const shared = replaced<LogStore>(log, {
      ...{ heads, head: async () => (await heads())[0] },
      leafHashes: () => Promise.resolve(hash),
    });
    const swept = new SegmentIndex({ log: shared, blocks, isShared: true });
    swept.follow(LOG, storedEntries(log, LOG));
    await jest.advanceTimersByTimeAsync(10);
    expect(claims).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(claims).toHaveLength(3);
    // The other one was alive, and has merged them: there is nothing to do, and nothing is asked any more.
    [isMine, listed] = [true, [{ level: 2, number: 0, blocks: 1, digest: hash, lastLeafHash: hash }]];
    await jest.advanceTimersByTimeAsync(5_000);
    expect(claims).toHaveLength(4);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(claims).toHaveLength(4);
    await swept.close();
  });

  test("is looked at again after the store did not answer", async () => {
    let isAway = true;
    const swept = index(false, () => (isAway ? Promise.reject(new Error("away")) : grown()));
    swept.follow(LOG, storedEntries(log, LOG));
    await jest.advanceTimersByTimeAsync(10);
    isAway = false;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(claims).toEqual([LOG]);
    await swept.close();
  });
});

test("an index that is closed waits for the segment in hand, and has the thread that makes it to the end", async () => {
  const [begun, gate, ended] = [closedGate(), closedGate(), [] as string[]];
  const maker = replaced(new SegmentMaker(), {
    build: async () => {
      begun.open();
      await gate.passed;
      ended.push("segment");
      throw new Error("cut short");
    },
    close: () => Promise.resolve(void ended.push("maker")),
  });
  const whole = replaced<LogStore>(log, { heads: () => grown(), head: async () => (await grown())[0] });
  const blocks = new MemoryBlockStore();
  const closing = new SegmentIndex({ log: whole, blocks, isShared: false, maker, warn: () => undefined });
  closing.follow(LOG, storedEntries(log, LOG));
  await begun.passed;
  const closed = closing.close().then(() => ended.push("closed"));
  await new Promise(setImmediate);
  expect(ended).toEqual([]);
  gate.open();
  await closed;
  expect(ended).toEqual(["segment", "maker", "closed"]);
});

test("an index that is closed ends the thread that cuts long entries into words, and who waits for it", async () => {
  const format = logFormat("rfc6962");
  const event = { message: "word ".repeat(100_000) };
  const canonical = format.canonicalText({ event, received_at: "2026-01-01T00:00:00.000000Z" });
  const envelope = format.parse(canonical);
  const query = parseQuery("nothing");
  if (envelope === undefined || query.kind !== "parsed") throw new Error("an entry and a query");
  const hash = digestOf(format.leafHash(utf8(canonical)));
  const closing = index(false, () => Promise.resolve([]));
  const matched = closing.isMatch(query.filter, { log: LOG, leafIndex: 0, hash, canonical, envelope });
  const refused = expect(matched).rejects.toThrow("has ended");
  await closing.close();
  await refused;
});
