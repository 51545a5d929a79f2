import { describe, expect, test } from "@jest/globals";
import type { StoredEntry } from "../../../src/audit/store.js";
import { logFormat } from "../../../src/core/format.js";
import { buildTile, TILE_WIDTH, TreeEdge } from "../../../src/core/tree.js";
import { utf8 } from "../../../src/core/bytes.js";
import { EntryReader } from "../../../src/engine/tree/entries.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { AppendedEntries } from "../../../src/engine/tree/stamped-entry.js";
import { replaced } from "../../../src/audit/calls.js";

const format = logFormat("rfc6962");
const MIB = 2 ** 20;

/** A log in a store that says what is read of it. */
class ReadLog {
  readonly reads: number[] = [];
  readonly #source = {
    log: "default",
    format,
    store: replaced(new MemoryLogStore(), {
      canonicals: (_, leafIndexes) => {
        if (leafIndexes.length === 0) throw new Error("a read of nothing");
        this.reads.push(...leafIndexes);
        const rows = leafIndexes.map((leafIndex) => this.rows[leafIndex]);
        return Promise.resolve(rows.map((row) => row && utf8(row.canonical)));
      },
      tiles: (_, ids) => Promise.resolve(ids.map(({ index }) => this.#tile(index))),
    }),
  };
  readonly appended = new AppendedEntries(this.#source);
  readonly reader = new EntryReader(this.#source, undefined, this.appended);

  constructor(public rows: readonly StoredEntry[]) {}

  /** Of the lowest level. */
  #tile(index: number): Uint8Array {
    const row = this.rows.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH);
    return buildTile(
      format,
      row.map(({ leafHash }) => leafHash),
    );
  }

  /** The tree over the rows as they are now. */
  get edge(): TreeEdge {
    return TreeEdge.empty(format).append(this.rows.map(({ leafHash }) => leafHash)).edge;
  }
}

function rowsOf(...messages: readonly string[]): readonly StoredEntry[] {
  return messages.map((message, leafIndex) => {
    const received_at = "2026-01-01T00:00:00.000000Z";
    const canonical = format.canonicalText({ event: { message }, received_at });
    return { leafIndex, receivedAt: received_at, canonical, leafHash: format.leafHash(utf8(canonical)) };
  });
}

async function shown(log: ReadLog, leafIndexes: readonly number[], edge: TreeEdge): Promise<readonly unknown[]> {
  const outcomes = await log.reader.read(leafIndexes, edge, { isShown: true });
  return outcomes.map((outcome) => (outcome.kind === "entry" ? outcome.entry.envelope.event.message : outcome.kind));
}

describe("an entry that was shown twice", () => {
  test("is not read again, and the others of its page are, each in its place", async () => {
    const log = new ReadLog(rowsOf("a", "b", "c"));
    for (let time = 0; time < 3; time++) expect(await shown(log, [1], log.edge)).toEqual(["b"]);
    expect(await shown(log, [2, 1, 0, 3, 1], log.edge)).toEqual(["c", "b", "a", "missing", "b"]);
    for (let time = 0; time < 2; time++) expect(await shown(log, [0, 1, 2], log.edge)).toEqual(["a", "b", "c"]);
    expect(log.reads).toEqual([1, 1, 2, 0, 0, 2]);
  });

  test("is told from those that were shown once until another one of the same lowest bits is", async () => {
    const log = new ReadLog(rowsOf(...Array.from({ length: 2 ** 14 + 1 }, String)));
    const { edge } = log;
    const others = (count: number): readonly number[] => Array.from({ length: count }, (_, place) => 1 + place);
    await shown(log, [0, ...others(2 ** 13)], edge);
    for (let time = 0; time < 2; time++) await shown(log, [0], edge);
    expect(log.reads.filter((leafIndex) => leafIndex === 0)).toHaveLength(2);

    const long = new ReadLog(log.rows);
    await shown(long, [0, ...others(2 ** 14)], edge);
    for (let time = 0; time < 3; time++) await shown(long, [0], edge);
    expect(long.reads.filter((leafIndex) => leafIndex === 0)).toHaveLength(3);
  });

  test("stays what was logged when its row is changed; whoever reads the row finds that", async () => {
    const log = new ReadLog(rowsOf("a", "b"));
    const { edge } = log;
    for (let time = 0; time < 2; time++) await shown(log, [0], edge);
    log.rows = rowsOf("forged", "forged");
    expect(await shown(log, [0, 1], edge)).toEqual(["a", "corrupt"]);
    expect(await shown(new ReadLog(log.rows), [0], edge)).toEqual(["corrupt"]);
  });

  test("is missing behind the tree, without a read, and corrupt where its row is gone or is no entry", async () => {
    const log = new ReadLog(rowsOf("a", "b", "c"));
    const { edge } = log;
    expect(await shown(log, [3, 7], edge)).toEqual(["missing", "missing"]);
    expect(log.reads).toEqual([]);
    log.rows = log.rows.slice(0, 1);
    expect(await shown(log, [0, 1], edge)).toEqual(["a", "corrupt"]);
    const none = new ReadLog([
      { leafIndex: 0, receivedAt: "", canonical: "[]", leafHash: format.leafHash(utf8("[]")) },
    ]);
    expect(await shown(none, [0], none.edge)).toEqual(["corrupt"]);
  });

  test("is read again where the tree has another leaf by now", async () => {
    const log = new ReadLog(rowsOf("a", "b", "c"));
    for (let time = 0; time < 2; time++) await shown(log, [0, 1, 2], log.edge);
    log.rows = rowsOf("a", "of another history", "c");
    expect(await shown(log, [0, 1, 2], log.edge)).toEqual(["a", "of another history", "c"]);
    expect(log.reads).toEqual([0, 1, 2, 0, 1, 2, 1]);
  });

  test("is forgotten when others have taken its room", async () => {
    const log = new ReadLog(rowsOf(...Array.from({ length: 9 }, (_, place) => String(place).repeat(MIB))));
    const { edge } = log;
    const all = [...log.rows.keys()];
    await shown(log, all, edge);
    for (const leafIndex of all) await shown(log, [leafIndex], edge);
    await shown(log, [8], edge);
    await shown(log, [0], edge);
    expect(log.reads).toEqual([...all, ...all, 0]);
  });
});

describe("an entry that was read for something else", () => {
  test("is not kept: a scan of the log leaves what people look at", async () => {
    const log = new ReadLog(rowsOf("a"));
    await log.reader.read([0], log.edge);
    for (let time = 0; time < 3; time++) await shown(log, [0], log.edge);
    expect(log.reads).toEqual([0, 0, 0]);
  });
});

describe("an entry that this process appended", () => {
  test("is read from memory, and the others of its page from the store", async () => {
    const log = new ReadLog(rowsOf("a", "b", "c", "d"));
    log.appended.add(1, log.rows.slice(1, 2));
    log.appended.add(2, log.rows.slice(2, 3));
    expect(await shown(log, [3, 2, 1, 0, 2, 4], log.edge)).toEqual(["d", "c", "b", "a", "c", "missing"]);
    expect(log.reads).toEqual([3, 0]);
  });

  test("is there once: each reader gets the same", async () => {
    const log = new ReadLog(rowsOf("a"));
    log.appended.add(0, log.rows);
    const [[first], [second]] = [await log.reader.read([0], log.edge), await log.reader.read([0], log.edge)];
    expect(first).toEqual(second);
    if (first?.kind !== "entry" || second?.kind !== "entry") throw new Error("no entries");
    expect(first.entry.envelope).toBe(second.entry.envelope);
  });

  test("is kept before and behind what others appended in between", async () => {
    const log = new ReadLog(rowsOf("a", "b", "of another", "d"));
    log.appended.add(0, log.rows.slice(0, 2));
    log.appended.add(3, log.rows.slice(3));
    expect(await shown(log, [0, 1, 2, 3], log.edge)).toEqual(["a", "b", "of another", "d"]);
    expect(log.reads).toEqual([2]);
  });

  test("is read again where the tree has another leaf by now", async () => {
    const log = new ReadLog(rowsOf("a", "b"));
    log.appended.add(0, log.rows);
    log.rows = rowsOf("a", "of another history");
    expect(await shown(log, [1, 0], log.edge)).toEqual(["of another history", "a"]);
    expect(log.reads).toEqual([1, 0]);
  });

  test.each([
    { count: 2 ** 13 + 2 ** 12, characters: 1, forgotten: 2 ** 12 },
    { count: 6, characters: MIB, forgotten: 2 },
  ])("makes room for newer ones: $forgotten of $count", async ({ count, characters, forgotten }) => {
    const messages = Array.from({ length: count }, (_, place) => String(place).repeat(characters));
    const log = new ReadLog(rowsOf(...messages));
    for (const [leafIndex, row] of log.rows.entries()) log.appended.add(leafIndex, [row]);
    await shown(log, [...log.rows.keys()], log.edge);
    expect(log.reads).toEqual([...log.rows.keys()].slice(0, forgotten));
  });
});
