import { describe, expect, test } from "@jest/globals";
import type { ReadEntries, ReadEntry } from "../../../src/audit/search-index.js";
import type { LogStore } from "../../../src/audit/store.js";
import { replaced } from "../../../src/audit/calls.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { LogRow, readRows, readRowsAt, storedEntries } from "../../../src/engine/search/log-rows.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { logged } from "../../stores/search-events.js";
import { rejection } from "../rejection.js";
import { LOG, logOf } from "./segment-indexes.js";

/** From so many characters on an entry is long. */
const LONG = 32_768;
const HASH = new Uint8Array(32).fill(7);
const read = (canonical: string): ReadEntry => ({ kind: "entry", entry: { canonical, hash: digestOf(HASH) } });
const envelope = (text: string): string =>
  `{"event":{"message":"${text}"},"received_at":"2026-01-01T00:00:00.000000Z"}`;

describe("a row of the log", () => {
  test("is what its entry says", () => {
    const text = envelope("hello world");
    const row = new LogRow(3, read(text));
    expect([row.leafIndex, row.characters, row.isCorrupt, row.long]).toEqual([3, text.length, false, undefined]);
    expect([row.event, row.leafHash]).toEqual([{ message: "hello world" }, HASH]);
    expect(row.indexed).toEqual({ canonical: utf8(text), leafHash: HASH });
    expect(row.searchable).not.toEqual({});
  });

  test("without an envelope has no event and no words", () => {
    const row = new LogRow(3, read("no envelope"));
    expect([row.event, row.searchable, row.isCorrupt, row.characters]).toEqual([undefined, {}, false, 11]);
  });

  test("of a changed entry has nothing, and may match anything", () => {
    const row = new LogRow(3, { kind: "corrupt" });
    expect([row.isCorrupt, row.characters, row.event, row.searchable, row.long]).toEqual([
      true,
      0,
      undefined,
      {},
      undefined,
    ]);
    expect(row.leafHash).toEqual(new Uint8Array(32));
    expect(row.indexed).toEqual({ canonical: utf8(""), leafHash: new Uint8Array(32) });
  });

  test("is long from 32,768 characters on", () => {
    const ofLength = (length: number): LogRow =>
      new LogRow(0, read(envelope("x".repeat(length - envelope("").length))));
    expect(ofLength(LONG - 1).long).toBeUndefined();
    expect(ofLength(LONG)).toMatchObject({ characters: LONG, long: { hash: digestOf(HASH) } });
  });
});

describe("rows that are read", () => {
  const entries: ReadEntries = (leaves) =>
    Promise.resolve(leaves.map((leaf) => (leaf > 8 ? { kind: "missing" } : read(envelope(`m${leaf}`)))));

  test("are those asked for, in that order", async () => {
    expect(
      (await readRowsAt({ entries }, [5, 2, 7])).map(({ leafIndex, event }) => [leafIndex, event?.message]),
    ).toEqual([5, 2, 7].map((leaf) => [leaf, `m${leaf}`]));
    expect((await readRows({ entries }, { start: 3, end: 6 })).map(({ leafIndex }) => leafIndex)).toEqual([3, 4, 5]);
  });

  test("and are not there, also one of them, are to be asked for again", async () => {
    const refused = await rejection(readRows({ entries }, { start: 8, end: 10 }));
    expect([refused.code, refused.retryAfterMs]).toEqual(["UNAVAILABLE", 1_000]);
  });
});

describe("entries as they are stored", () => {
  const kinds = async (store: LogStore, leaves: readonly number[]): Promise<readonly string[]> =>
    (await storedEntries(store, LOG)(leaves)).map(({ kind }) => kind);

  test("are missing behind the log's end, and corrupt before it", async () => {
    const log = await logOf(Array.from({ length: 3 }, (_, leaf) => logged({ message: `m${leaf}` }, leaf)));
    const holed = replaced<LogStore>(log, {
      entries: async (...asked) =>
        (await log.entries(...asked)).map((entry) => (entry?.leafIndex === 2 ? undefined : entry)),
    });
    expect(await kinds(log, [0, 2, 3])).toEqual(["entry", "entry", "missing"]);
    expect(await kinds(holed, [1, 2, 3])).toEqual(["entry", "corrupt", "missing"]);
    expect(await kinds(new MemoryLogStore(), [0])).toEqual(["missing"]);
  });

  test("need no look at the log's end where all are there", async () => {
    const log = await logOf([logged({ message: "m" }, 0)]);
    const headless = replaced<LogStore>(log, { head: () => Promise.reject(new Error("not asked")) });
    expect(await kinds(headless, [0])).toEqual(["entry"]);
  });
});
