import { beforeEach, describe, expect, test } from "@jest/globals";
import { AuditError } from "../../../src/audit/errors.js";
import type { LogHead, StoredEntry } from "../../../src/audit/store.js";
import type { CheckedMark } from "../../../src/engine/upkeep/fsck.js";
import { flipped, format, Glasses } from "./glasses.js";

/** As many as are read at once. */
const CHUNK = 2_048;
const MOST_FINDINGS = 1_000;

let glasses: Glasses;
beforeEach(() => {
  glasses = new Glasses();
});

const head = async (): Promise<LogHead> => (await glasses.memory.head("default")) ?? nothing();
const other = (entry: StoredEntry): StoredEntry => ({ ...entry, canonical: `${entry.canonical} ` });

/** What the check read, in the order in which it did. */
function reading(change: (entry: StoredEntry) => StoredEntry = (entry) => entry) {
  const read: number[] = [];
  const changes = glasses.changing((entry) => (read.push(entry.leafIndex), change(entry)));
  return { read, changes };
}

describe("a check of a log that is longer than what is read at once", () => {
  test("reads up to the end of a tile, tells how far it is, and each entry once", async () => {
    await glasses.fill(100);
    const { mark } = await glasses.check();
    await glasses.fill(CHUNK);
    const told: (readonly number[])[] = [];
    const { read, changes } = reading();
    const onProgress = (...progress: readonly number[]): number => told.push(progress);
    const report = await glasses.check(changes, {}, { ...(mark && { since: mark }), onProgress });
    expect(report.findings).toEqual([]);
    expect(told).toEqual([CHUNK, CHUNK + 100].map((size) => [size, CHUNK + 100]));
    const last = CHUNK + 99; // which is read for its time, too
    expect(read).toEqual([...Array.from({ length: CHUNK }, (_, place) => 100 + place), last]);
  });

  test("names a thousand faults, and then reads no more", async () => {
    await glasses.fill(CHUNK + 100);
    const { read, changes } = reading(other);
    const { findings, mark } = await glasses.check(changes);
    expect(findings).toEqual(
      Array.from({ length: MOST_FINDINGS }, (_, leafIndex) => ({ kind: "entry-changed", leafIndex })),
    );
    expect(mark).toBeUndefined();
    expect(read.filter((leafIndex) => leafIndex === CHUNK)).toEqual([]);
  });

  test("goes on behind one fault less", async () => {
    await glasses.fill(CHUNK + 100);
    const { changes } = reading((entry) => (entry.leafIndex < MOST_FINDINGS - 1 ? other(entry) : entry));
    const last = glasses.changing((entry) => (entry.leafIndex === CHUNK + 1 ? other(entry) : entry));
    const entries: typeof changes.entries = async (log, indexes) =>
      Math.min(...indexes) > 0 ? last.entries(log, indexes) : changes.entries(log, indexes);
    const { findings } = await glasses.check({ entries });
    expect([findings.length, findings.at(-1)]).toEqual([1_000, { kind: "entry-changed", leafIndex: CHUNK + 1 }]);
  });
});

describe("the end of a log", () => {
  test("is sound where there is nothing in it, and no tile is read where none is full", async () => {
    const tiles = (): never => nothing();
    await glasses.fill(0);
    expect(await glasses.check({ tiles })).toMatchObject({ size: 0, findings: [], mark: { treeSize: 0 } });
    await glasses.fill(255);
    expect(await glasses.check({ tiles })).toMatchObject({ size: 255, findings: [], mark: { treeSize: 255 } });
  });

  test("is behind its head where that was put back, also when the store has lost it by now", async () => {
    await glasses.fill(3);
    const older = await head();
    await glasses.fill(1);
    const behind = [{ kind: "head-behind", treeSize: 3 }];
    for (const now of [older, undefined])
      expect((await glasses.check({ head: () => Promise.resolve(now) }, older)).findings).toEqual(behind);
    // A gateway may just have appended it.
    expect((await glasses.check({}, older)).findings).toEqual([]);
  });

  test("is that of another tree where the head has an older checkpoint", async () => {
    await glasses.fill(3);
    const { checkpoint } = await head();
    await glasses.fill(2);
    expect((await glasses.check({}, { checkpoint })).findings).toEqual([
      { kind: "checkpoint-invalid", reason: "CHECKPOINT_MISMATCH" },
    ]);
  });

  test("has a time at least, where nothing says which entries the log signed", async () => {
    await glasses.fill(3);
    const checkpoint = "not signed";
    const unsigned = { kind: "checkpoint-invalid", reason: "MALFORMED_CHECKPOINT" };
    const { lastReceivedAt } = await head();
    expect((await glasses.check({}, { checkpoint, lastReceivedAt })).findings).toEqual([unsigned]);
    expect((await glasses.check({}, { checkpoint, lastReceivedAt: "yesterday" })).findings).toEqual([
      unsigned,
      { kind: "head-time-changed", lastReceivedAt: "yesterday" },
    ]);
  });
});

describe("an entry", () => {
  const changed = (leafIndex: number, changes: Partial<StoredEntry>) =>
    glasses.changing((entry) => (entry.leafIndex === leafIndex ? { ...entry, ...changes } : entry));

  test("of a text that no log takes is changed", async () => {
    await glasses.fill(3);
    const refusing = {
      ...format,
      leafHash: (text: Uint8Array) => (text.length === 0 ? nothing() : format.leafHash(text)),
    };
    const source = { ...glasses.source(changed(1, { canonical: "" })), format: refusing };
    expect((await glasses.check({}, {}, { source })).findings).toEqual([{ kind: "entry-changed", leafIndex: 1 }]);
  });

  test("beside which stands no hash is changed, where nothing says what the log signed", async () => {
    await glasses.fill(3);
    const { findings } = await glasses.check(changed(1, { leafHash: new Uint8Array(3) }), { checkpoint: "not signed" });
    expect(findings.map(({ kind }) => kind)).toEqual(["entry-changed", "root-changed", "checkpoint-invalid"]);
  });

  test("with a signature that does not verify is named, with the reason", async () => {
    await glasses.fill(3);
    const parse: typeof format.parse = (text) => {
      const envelope = format.parse(text);
      const signed = { signature: "AA==", public_key: "AA==" };
      return envelope && text.includes('"event 1"') ? { ...envelope, ...signed } : envelope;
    };
    const source = { ...glasses.source(), format: { ...format, parse } };
    const { findings } = await glasses.check({}, {}, { source });
    expect(findings).toMatchObject([{ kind: "signature-invalid", leafIndex: 1 }]);
  });
});

describe("the mark of an earlier check", () => {
  let mark: CheckedMark;
  beforeEach(async () => {
    await glasses.fill(3);
    mark = (await glasses.check()).mark ?? nothing();
  });

  test("is where a log that did not grow is sound without a look at its entries", async () => {
    const { read, changes } = reading(other);
    const report = await glasses.check(changes, {}, { since: mark });
    expect([report.from, read]).toEqual([3, [2]]); // the last, for the time in the head
  });

  test("is that of another history where hashes are missing or changed", async () => {
    const leafHashes = glasses.memory.leafHashes.bind(glasses.memory);
    await glasses.fill(300);
    for (const changing of [(row: Uint8Array) => row.slice(1), flipped]) {
      const found = await glasses.check(
        {
          leafHashes: async (log, range) =>
            range.end === 3 ? changing(await leafHashes(log, range)) : leafHashes(log, range),
        },
        {},
        { since: mark },
      );
      expect(found).toMatchObject({ from: 0, findings: [{ kind: "history-changed", treeSize: 3 }] });
    }
  });

  test("is that of another history where the head was put back behind it, though its entries are there", async () => {
    const older = await head();
    await glasses.fill(2);
    const since = (await glasses.check()).mark ?? nothing();
    const report = await glasses.check({ head: () => Promise.resolve(older) }, older, { since });
    expect(report).toMatchObject({
      from: 0,
      findings: [
        { kind: "history-changed", treeSize: 5 },
        { kind: "head-behind", treeSize: 3 },
      ],
    });
  });

  test.each([
    ["fails", new Error("gone")],
    ["is away", new AuditError("UNAVAILABLE", "gone")],
  ])("says nothing where the store %s", async (_, error) => {
    await expect(glasses.check({ leafHashes: () => Promise.reject(error) }, {}, { since: mark })).rejects.toBe(error);
  });
});

function nothing(): never {
  throw new Error("there is none");
}
