import { beforeEach, describe, expect, test } from "@jest/globals";
import { AuditError } from "../../src/audit/errors.js";
import type { AuditService } from "../../src/audit/service.js";
import type { LogHead, LogStore } from "../../src/audit/store.js";
import { keyringOfSeed } from "../../src/audit/keyring.js";
import { VALID } from "../../src/core/verdict.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { MemorySearchIndex } from "../../src/stores/memory/search-index.js";
import { expectCode, rejection } from "./rejection.js";
import { fill, logMessages, openTestService } from "./test-log.js";

/** A store whose answers were changed on their way: what stands in `answers` takes the place of the honest method. */
function damaged(honest: LogStore, answers: Partial<LogStore>): LogStore {
  return new Proxy(honest, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in answers ? answers : target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

function flipped(bytes: Uint8Array, place: number, bit = 1): Uint8Array {
  return bytes.map((byte, i) => (i === place ? byte ^ bit : byte));
}

let store: MemoryLogStore;
let index: MemorySearchIndex;
let alarms: string[];
beforeEach(() => {
  store = new MemoryLogStore();
  index = new MemorySearchIndex(store);
  alarms = [];
});

function open(answers: Partial<LogStore> = {}): Promise<AuditService> {
  return openTestService({ store: damaged(store, answers), index, alarm: (text) => alarms.push(text) });
}

async function filled(count: number): Promise<void> {
  await fill(await open(), count);
}

describe("a changed entry", () => {
  beforeEach(async () => {
    await filled(3);
  });

  const changing = (change: (canonical: string) => string): Partial<LogStore> => ({
    entries: async (log, indexes) => {
      const entries = await store.entries(log, indexes);
      return entries.map((entry) => entry && { ...entry, canonical: change(entry.canonical) });
    },
  });

  test.each([
    ["in its message", (text: string) => text.replace("event 1", "event 9")],
    ["in one blank", (text: string) => text.replace("{", "{ ")],
    ["to nothing", () => ""],
    ["to 64 bytes", () => "x".repeat(64)],
  ])("%s is corrupt, and the others are shown", async (_name, change) => {
    const only = (text: string): string => (text.includes("event 1") ? change(text) : text);
    for (const format of ["rfc6962", "pangea"] as const) {
      store = new MemoryLogStore();
      const logs = [{ log: "default", format }];
      await logMessages(await openTestService({ store, logs }), 3);
      const service = await openTestService({ store: damaged(store, changing(only)), logs });
      const outcomes = await service.entries("default", [0, 1, 2]);
      expect(outcomes.map(({ kind }) => kind)).toEqual(["entry", "corrupt", "entry"]);
    }
  });

  test("is corrupt when another genuine entry was put in its place", async () => {
    const swapped: Partial<LogStore> = {
      entries: (log, indexes) =>
        store.entries(
          log,
          indexes.map(() => 0),
        ),
    };
    const outcomes = await (await open(swapped)).entries("default", [0, 1]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["entry", "corrupt"]);
  });

  test("is corrupt when it is gone from inside the signed tree", async () => {
    const service = await open({ entries: (_log, indexes) => Promise.resolve(indexes.map(() => undefined)) });
    expect(await service.entries("default", [1, 3])).toEqual([{ kind: "corrupt", leafIndex: 1 }, { kind: "missing" }]);
  });

  test("cannot date a root", async () => {
    const service = await open(changing((text) => text.replace("2026", "2027")));
    await expectCode(service.root("default", 2), "ENTRY_CORRUPT");
  });
});

describe("a changed tile", () => {
  const SIZE = 600;
  beforeEach(async () => {
    await filled(SIZE);
  });

  /** A few bytes in every row of the tile. */
  const places = Array.from({ length: 40 }, (_, i) => (i * 409) % (511 * 32));

  /** A service whose first tile has one bit of a byte changed while `isDamaged` says so. */
  const withDamage = (place: number, isDamaged: () => boolean = () => true): Promise<AuditService> =>
    open({
      tiles: async (log, ids) => {
        const tiles = await store.tiles(log, ids);
        const damage = (i: number) => isDamaged() && ids[i]?.index === 0 && ids[i].level === 0;
        return tiles.map((tile, i) => (tile && damage(i) ? flipped(tile, place) : tile));
      },
    });

  /** Where a node of the first tile begins: its rows have 256, 128, … nodes, the lowest first. */
  const placeOf = (row: number, column: number): number => (2 * (256 - 2 ** (8 - row)) + column) * 32;

  /** Leaf 7 itself, and the siblings on its way up to the tile's top. */
  const pathOf7 = [
    placeOf(0, 7),
    placeOf(0, 6),
    placeOf(1, 2),
    placeOf(2, 0),
    ...[3, 4, 5, 6, 7].map((row) => placeOf(row, 1)),
  ];
  const proofOf7 = { log: "default", treeSize: SIZE, leafIndexes: [7] };

  test("gives an error that names it, and no proof that it is in the way of", async () => {
    for (const place of pathOf7) {
      const { code, message } = await rejection((await withDamage(place)).membershipProofs(proofOf7));
      expect([code, message]).toEqual([
        "LOG_CORRUPT",
        "The log default is damaged: tile 0/0 was changed: its hashes do not fit together.",
      ]);
    }
  });

  test("gives an error or the genuine answer, whichever of its bytes it is", async () => {
    const honest = await open();
    const asks: readonly ((service: AuditService) => Promise<unknown>)[] = [
      (service) => service.membershipProofs(proofOf7),
      (service) => service.consistencyProof("default", 100, SIZE),
      (service) => service.consistency("default", 100),
      (service) => service.root("default", 100),
    ];
    for (const place of places) {
      const service = await withDamage(place);
      for (const ask of asks) {
        const answer = await ask(service).catch((error: unknown) => error);
        if (answer instanceof AuditError) expect(answer.code).toBe("LOG_CORRUPT");
        else expect(answer).toEqual(await ask(honest));
      }
    }
  });

  test("is read again once it is repaired", async () => {
    let isDamaged = true;
    const service = await withDamage(placeOf(0, 7), () => isDamaged);
    await expectCode(service.membershipProofs(proofOf7), "LOG_CORRUPT");
    isDamaged = false;
    expect(await service.membershipProofs(proofOf7)).toHaveLength(1);
  });

  test("that is sound in itself, but another log's, gives no proof either", async () => {
    const other = new MemoryLogStore();
    await fill(await openTestService({ store: other, clock: () => 0 }), SIZE);
    const service = await open();
    const swapped = await open({ tiles: (log, ids) => other.tiles(log, ids) });
    const asked = { log: "default", treeSize: SIZE, leafIndexes: [7] };
    expect(await service.membershipProofs(asked)).toHaveLength(1);
    await expectCode(swapped.membershipProofs(asked), "LOG_CORRUPT");
    await expectCode(swapped.root("default", 100), "LOG_CORRUPT");
  });

  test("that is gone is named", async () => {
    const honest = await open();
    expect(await honest.consistency("default", 100)).toEqual(VALID);
    let isGone = false;
    const service = await open({
      tiles: (log, ids) => (isGone ? Promise.resolve(ids.map(() => undefined)) : store.tiles(log, ids)),
    });
    isGone = true;
    const error = await rejection(service.membershipProofs({ log: "default", treeSize: SIZE, leafIndexes: [300] }));
    expect(error.message).toBe("The log default is damaged: tile 0/1 is missing.");
  });
});

describe("a log that cannot be trusted when it is opened", () => {
  beforeEach(async () => {
    await filled(600);
  });

  const heads = (change: (head: LogHead) => LogHead): Partial<LogStore> => ({
    createLog: async (initial) => change(await store.createLog(initial)),
  });
  const corruptions: readonly (readonly [string, () => Partial<LogStore>, RegExp])[] = [
    [
      "a leaf hash of its edge was changed",
      () => ({ leafHashes: async (log, range) => flipped(await store.leafHashes(log, range), 5) }),
      /its stored hashes do not lead to the signed root of size 600/,
    ],
    [
      "leaf hashes of its edge are gone",
      () => ({ leafHashes: async (log, range) => (await store.leafHashes(log, range)).slice(32) }),
      /leaf hashes between 512 and 600 are missing/,
    ],
    [
      "the top of a tile was changed",
      () => ({
        tiles: async (log, ids) => (await store.tiles(log, ids)).map((tile) => tile && flipped(tile, 511 * 32 - 1)),
      }),
      /its stored hashes do not lead to the signed root of size 600/,
    ],
    [
      "a tile is gone",
      () => ({ tiles: (_log, ids) => Promise.resolve(ids.map(() => undefined)) }),
      /tile 0\/0 is missing/,
    ],
    ["its head says another size", () => heads((head) => ({ ...head, size: 599 })), /its head says size 599/],
    [
      "its head says another root",
      () => heads((head) => ({ ...head, rootHash: flipped(head.rootHash, 0) })),
      /its checkpoint another size or root/,
    ],
    [
      "its checkpoint was changed",
      () => heads((head) => ({ ...head, checkpoint: head.checkpoint.replace("600", "601") })),
      /not signed by this gateway's key as test.example\/auditql\/default \(SIGNATURE_MISMATCH\)/,
    ],
  ];

  test.each(corruptions)("because %s is read only, and says why", async (_name, answers, reason) => {
    const service = await open(answers());
    for (const attempt of [logMessages(service, 1), service.root("default"), service.consistency("default", 1)]) {
      const error = await rejection(attempt);
      expect([error.code, error.message]).toEqual(["LOG_CORRUPT", expect.stringMatching(reason)]);
    }
    expect(alarms).toEqual([expect.stringMatching(reason)]);
    const { leafIndexes } = await service.search({ log: "default", query: '"event 42"' }, {});
    expect(leafIndexes).toEqual([42]);
    expect((await service.entries("default", [0, 42])).map(({ kind }) => kind)).toEqual(["entry", "entry"]);
  });

  test("because another key signed it is read only", async () => {
    const service = await openTestService({ store, keyring: keyringOfSeed(new Uint8Array(32).fill(8)) });
    expect((await rejection(logMessages(service, 1))).message).toMatch(/UNKNOWN_KEY/);
  });
});

describe("a log that exists", () => {
  test("cannot be opened in another format", async () => {
    await filled(1);
    const opened = openTestService({ store, logs: [{ log: "default", format: "pangea" }] });
    const error = await rejection(opened);
    expect([error.code, error.message]).toEqual([
      "CONFLICT",
      "The log default exists in the format rfc6962; it cannot become pangea.",
    ]);
  });

  test.each([0, 1, 2, 255, 256, 257, 511, 512, 600])("goes on where it was, at size %d", async (size) => {
    await filled(size);
    const before = size === 0 ? undefined : await (await open()).root("default");
    const service = await open();
    const { entries, root } = await logMessages(service, 2);
    expect([entries[0]?.leafIndex, root.treeSize]).toEqual([size, size + 2]);
    if (before === undefined) return;
    expect(await service.root("default", size)).toEqual(before);
    expect(await service.consistency("default", size)).toEqual(VALID);
  });

  test("goes on where it was with tiles of two levels", async () => {
    const size = 256 * 256 + 257;
    await filled(size);
    const service = await open();
    const { root } = await logMessages(service, 1);
    const asked = { log: "default", treeSize: size + 1, leafIndexes: [0, 65_535, 65_536, size] };
    expect(await service.membershipProofs(asked)).toHaveLength(4);
    expect(root.treeSize).toBe(size + 1);
  });
});
