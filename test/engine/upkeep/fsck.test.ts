import { beforeAll, describe, expect, it } from "@jest/globals";
import type { SearchIndex } from "../../../src/audit/search-index.js";
import type { StoredEntry } from "../../../src/audit/store.js";
import { findingText, type Finding } from "../../../src/engine/upkeep/finding.js";
import type { FsckReport } from "../../../src/engine/upkeep/fsck.js";
import { replaced } from "../../../src/audit/calls.js";
import { flipped, format, Glasses } from "./glasses.js";

const SIZE = 700;

const glasses = new Glasses();
beforeAll(() => glasses.fill(SIZE));

describe("a check of a whole log", () => {
  it("finds nothing in a sound one, and says where the next check may start", async () => {
    const report = await glasses.check();
    expect(report).toMatchObject({ size: SIZE, from: 0, findings: [], mark: { treeSize: SIZE } });
  });

  it("names an entry that was received before the one before it, by its own text, and no other", async () => {
    const parse: typeof format.parse = (text) => {
      const envelope = format.parse(text);
      return envelope && text.includes('"event 7"')
        ? { ...envelope, received_at: "2020-01-01T00:00:00.000000Z" }
        : envelope;
    };
    const { findings } = await glasses.check({}, {}, { source: { ...glasses.source(), format: { ...format, parse } } });
    expect(findings).toEqual([
      { kind: "entry-time-changed", leafIndex: 7 }, // beside it in the store stands another one
      { kind: "entry-out-of-time", leafIndex: 7 },
    ]);
  });

  it("names an entry that is no event, though the tree has it: whoever holds the key can log one", async () => {
    const parse = (text: string) => (text.includes('"event 7"') ? undefined : format.parse(text));
    const { findings, mark } = await glasses.check(
      {},
      {},
      { source: { ...glasses.source(), format: { ...format, parse } } },
    );
    expect([findings, mark]).toEqual([[{ kind: "entry-malformed", leafIndex: 7 }], undefined]);
  });

  it("goes on from an earlier check, reading only what is new", async () => {
    const own = new Glasses();
    await own.fill(600);
    const { mark } = await own.check();
    await own.fill(90);
    const read: number[] = [];
    const spy = own.changing((entry) => {
      read.push(entry.leafIndex);
      return entry;
    });
    const report = await own.check(spy, {}, mark && { since: mark });
    expect(report).toMatchObject({ from: 600, findings: [], mark: { treeSize: 690 } });
    expect(Math.min(...read)).toBe(600);
  });

  it("names a log that no longer leads to the root of an earlier check, and reads it all", async () => {
    const report = await glasses.check({}, {}, { since: { treeSize: 300, rootHash: new Uint8Array(32) } });
    expect(report).toMatchObject({ from: 0, findings: [{ kind: "history-changed", treeSize: 300 }], mark: undefined });
    const cut = await glasses.check({}, {}, { since: { treeSize: SIZE + 1, rootHash: new Uint8Array(32) } });
    expect(cut.findings).toEqual([{ kind: "history-changed", treeSize: SIZE + 1 }]);
  });

  it("reads everything where it is told to, and requires the root of an earlier check all the same", async () => {
    const { mark } = await glasses.check();
    const again = await glasses.check({}, {}, { full: true, ...(mark && { since: mark }) });
    expect(again).toMatchObject({ from: 0, findings: [], mark });
    const since = { treeSize: 300, rootHash: new Uint8Array(32) };
    const { findings } = await glasses.check({}, {}, { full: true, since });
    expect(findings).toEqual([{ kind: "history-changed", treeSize: 300 }]);
  });

  it("names segments of the search index that are not what the entries give, and tells how far it is", async () => {
    const asked: number[] = [];
    const index = replaced<SearchIndex>(glasses.index, {
      check: async function* (_, from) {
        asked.push(from);
        for (const number of [0, 1, 2]) yield await Promise.resolve({ level: 1, number, isSound: number !== 1 });
      },
    });
    const told: (readonly number[])[] = [];
    const onIndexing = (...progress: readonly number[]): number => told.push(progress);
    const { findings, mark } = await glasses.check({}, {}, { index, onIndexing });
    expect([findings, mark]).toEqual([[{ kind: "segment-changed", level: 1, number: 1 }], undefined]);
    expect(told).toEqual([1, 2, 3].map((segments) => [4_096 * segments, SIZE]));
    expect(asked).toEqual([0]);
  });

  it("builds segments of the search index again at random, each once, and tells how much of it that was", async () => {
    const stored = [0, 1, 2].map((number) => ({ level: 1, number, isSound: number > 0 }));
    let built = 0;
    const index = replaced<SearchIndex>(glasses.index, {
      indexedSize: () => Promise.resolve(3 * 4_096),
      check: async function* (_, from) {
        for (const segment of stored.filter(({ number }) => 4_096 * (number + 1) > from)) {
          built += 1;
          yield await Promise.resolve(segment);
        }
      },
    });
    const told: (readonly number[])[] = [];
    const onIndexing = (...progress: readonly number[]): number => told.push(progress);
    const all = await glasses.check({}, {}, { index, random: 3, onIndexing });
    expect(all.findings).toEqual([{ kind: "segment-changed", level: 1, number: 0 }]);
    expect([built, all.mark, all.sample]).toEqual([3, undefined, { segments: 3, entries: 12_288, of: 12_288 }]);
    expect(told).toEqual([1, 2, 3].map((segments) => [segments, 3]));
    const some = await glasses.check({}, {}, { index, random: 1 });
    expect([built, some.sample]).toEqual([4, { segments: 1, entries: 4_096, of: 12_288 }]);
    // No mark: what was not built again is not known to be sound.
    expect(some.mark).toBeUndefined();
  });

  it("draws nothing from an empty search index", async () => {
    const report = await glasses.check({}, {}, { random: 5 });
    expect(report).toMatchObject({ findings: [], mark: undefined, sample: { segments: 0, entries: 0, of: 0 } });
  });

  const at = (leafIndex: number, change: (entry: StoredEntry) => StoredEntry | undefined) =>
    glasses.changing((entry) => (entry.leafIndex === leafIndex ? change(entry) : entry));

  it.each<[string, () => Promise<FsckReport>, readonly Finding[]]>([
    [
      "an entry whose bytes were changed",
      () => glasses.check(at(77, (entry) => ({ ...entry, canonical: entry.canonical.replace('"event ', '"other ') }))),
      [{ kind: "entry-changed", leafIndex: 77 }],
    ],
    [
      "an entry whose leaf hash was changed",
      () => glasses.check(at(77, (entry) => ({ ...entry, leafHash: flipped(entry.leafHash) }))),
      [{ kind: "leaf-hash-changed", leafIndex: 77 }],
    ],
    [
      "an entry whose row says another time",
      () => glasses.check(at(77, (entry) => ({ ...entry, receivedAt: entry.receivedAt.replace("2026", "2027") }))),
      [{ kind: "entry-time-changed", leafIndex: 77 }],
    ],
    [
      "a head that says another time",
      () => glasses.check({}, { lastReceivedAt: "2926-01-01T00:00:00.000000Z" }),
      [{ kind: "head-time-changed", lastReceivedAt: "2926-01-01T00:00:00.000000Z" }],
    ],
    [
      "an entry that was changed together with its leaf hash",
      () =>
        glasses.check(
          at(600, (entry) => {
            const canonical = entry.canonical.replace('"event ', '"other ');
            return { ...entry, canonical, leafHash: format.leafHash(Buffer.from(canonical)) };
          }),
        ),
      [{ kind: "entry-changed", leafIndex: 600 }],
    ],
    [
      "an entry that is gone",
      () => glasses.check(at(500, () => undefined)),
      [{ kind: "entry-missing", leafIndex: 500 }],
    ],
    [
      "a tile that was changed",
      () =>
        glasses.check({
          tiles: async (log, ids) => (await glasses.memory.tiles(log, ids)).map((tile) => tile && flipped(tile)),
        }),
      [
        { kind: "tile-changed", tile: { level: 0, index: 0 } },
        { kind: "tile-changed", tile: { level: 0, index: 1 } },
      ],
    ],
    [
      "a tile that is gone",
      () => glasses.check({ tiles: (_, ids) => Promise.resolve(ids.map(() => undefined)) }),
      [
        { kind: "tile-missing", tile: { level: 0, index: 0 } },
        { kind: "tile-missing", tile: { level: 0, index: 1 } },
      ],
    ],
    [
      "a head with another root",
      () => glasses.check({}, { rootHash: new Uint8Array(32) }),
      [
        { kind: "root-changed", treeSize: SIZE },
        { kind: "checkpoint-invalid", reason: "CHECKPOINT_MISMATCH" },
      ],
    ],
    [
      "a checkpoint that the log did not sign",
      () => glasses.check({}, { checkpoint: "x" }),
      [{ kind: "checkpoint-invalid", reason: "MALFORMED_CHECKPOINT" }],
    ],
  ])("names %s", async (_, run, findings) => {
    const report = await run();
    expect(report.findings).toEqual(findings);
    expect(report.mark).toBeUndefined();
    for (const finding of findings) expect(findingText(finding)).toMatch(/: /);
  });
});
