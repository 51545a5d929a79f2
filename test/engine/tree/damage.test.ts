import { beforeEach, describe, expect, test } from "@jest/globals";
import { AuditError } from "../../../src/audit/errors.js";
import type { AuditService } from "../../../src/audit/service.js";
import type { LogStore } from "../../../src/audit/store.js";
import { VALID } from "../../../src/core/verdict.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { expectCode, rejection } from "../rejection.js";
import { fill, logMessages, openTestService } from "../test-log.js";
import { damaged, flipped, LogInMemory } from "./damaged-store.js";

let memory: LogInMemory;
beforeEach(() => {
  memory = new LogInMemory();
});

describe("a changed entry", () => {
  beforeEach(async () => {
    await memory.fill(3);
  });

  const changing = (change: (canonical: string) => string): Partial<LogStore> => ({
    entries: async (log, indexes) => {
      const entries = await memory.store.entries(log, indexes);
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
      memory = new LogInMemory();
      const logs = [{ log: "default", format }];
      await logMessages(await openTestService({ store: memory.store, logs }), 3);
      const service = await openTestService({ store: damaged(memory.store, changing(only)), logs });
      const outcomes = await service.entries("default", [0, 1, 2]);
      expect(outcomes.map(({ kind }) => kind)).toEqual(["entry", "corrupt", "entry"]);
    }
  });

  test("is corrupt when another genuine entry was put in its place", async () => {
    const swapped: Partial<LogStore> = {
      entries: (log, indexes) =>
        memory.store.entries(
          log,
          indexes.map(() => 0),
        ),
    };
    const outcomes = await (await memory.open(swapped)).entries("default", [0, 1]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["entry", "corrupt"]);
  });

  test("is corrupt when it is gone from inside the signed tree", async () => {
    const service = await memory.open({ entries: (_log, indexes) => Promise.resolve(indexes.map(() => undefined)) });
    expect(await service.entries("default", [1, 3])).toEqual([{ kind: "corrupt", leafIndex: 1 }, { kind: "missing" }]);
  });

  test("cannot date a root", async () => {
    const service = await memory.open(
      changing((text) => (text.includes("event 1") ? text.replace("2026", "2027") : text)),
    );
    await expectCode(service.root("default", 2), "ENTRY_CORRUPT");
  });
});

describe("a changed tile", () => {
  const SIZE = 600;
  beforeEach(async () => {
    await memory.fill(SIZE);
  });

  /** A few bytes in every row of the tile. */
  const places = Array.from({ length: 40 }, (_, i) => (i * 409) % (511 * 32));

  /** A service whose first tile has one bit of a byte changed while `isDamaged` says so. */
  const withDamage = (place: number, isDamaged: () => boolean = () => true): Promise<AuditService> =>
    memory.open({
      tiles: async (log, ids) => {
        const tiles = await memory.store.tiles(log, ids);
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
    const honest = await memory.open();
    const asks: readonly ((service: AuditService) => Promise<unknown>)[] = [
      (service) => service.membershipProofs(proofOf7),
      (service) => service.consistencyProof({ log: "default", fromSize: 100, toSize: SIZE }),
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
    const service = await memory.open();
    const swapped = await memory.open({ tiles: (log, ids) => other.tiles(log, ids) });
    const asked = { log: "default", treeSize: SIZE, leafIndexes: [7] };
    expect(await service.membershipProofs(asked)).toHaveLength(1);
    await expectCode(swapped.membershipProofs(asked), "LOG_CORRUPT");
    await expectCode(swapped.root("default", 100), "LOG_CORRUPT");
  });

  test("that was cut off is named", async () => {
    let isCut = false;
    const service = await memory.open({
      tiles: async (log, ids) =>
        (await memory.store.tiles(log, ids)).map((tile) => (isCut ? tile?.slice(0, -32) : tile)),
    });
    isCut = true;
    const error = await rejection(service.membershipProofs({ log: "default", treeSize: SIZE, leafIndexes: [300] }));
    expect([error.code, error.message]).toEqual([
      "LOG_CORRUPT",
      "The log default is damaged: tile 0/1 has 16320 bytes instead of 16352.",
    ]);
  });

  test("that is gone is named", async () => {
    const honest = await memory.open();
    expect(await honest.consistency("default", 100)).toEqual(VALID);
    let isGone = false;
    const service = await memory.open({
      tiles: (log, ids) => (isGone ? Promise.resolve(ids.map(() => undefined)) : memory.store.tiles(log, ids)),
    });
    isGone = true;
    const error = await rejection(service.membershipProofs({ log: "default", treeSize: SIZE, leafIndexes: [300] }));
    expect(error.message).toBe("The log default is damaged: tile 0/1 is missing.");
  });
});
