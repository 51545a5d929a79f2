import { beforeAll, describe, expect, test } from "@jest/globals";
import type { LogStore } from "../../../src/audit/store.js";
import type { Digest } from "../../../src/core/bytes.js";
import { TILE_WIDTH } from "../../../src/core/tree.js";
import { invalid, VALID } from "../../../src/core/verdict.js";
import { expectCode } from "../rejection.js";
import { flipped, LogInMemory } from "./damaged-store.js";

const SIZE = TILE_WIDTH + 44;
const memory = new LogInMemory();
let hashes: readonly Digest[];
beforeAll(async () => {
  await memory.fill(SIZE);
  const service = await memory.open();
  const all = Array.from({ length: SIZE }, (_, leafIndex) => leafIndex);
  const outcomes = await service.entries("default", all);
  hashes = outcomes.map((outcome) => {
    if (outcome.kind !== "entry") throw new Error("an entry is missing");
    return outcome.entry.hash;
  });
});

/** Of entries by their index, with the hashes at `at`. */
function wanted(leafIndexes: readonly number[], at = leafIndexes, treeSize = SIZE) {
  const chosen = at.map((leafIndex) => hashes[leafIndex]).filter((hash) => hash !== undefined);
  return { log: "default", treeSize, leafIndexes, hashes: chosen };
}

/** Bytes of the first tile come changed. */
function changedTile(place: number): Partial<LogStore> {
  return {
    tiles: async (log, ids) =>
      (await memory.store.tiles(log, ids)).map((tile, at) =>
        tile !== undefined && ids[at]?.level === 0 && ids[at].index === 0 ? flipped(tile, place) : tile,
      ),
  };
}

describe("whether entries are in a tree", () => {
  test("is VALID for their own hashes, in the newest tree and in earlier ones", async () => {
    const service = await memory.open();
    for (const treeSize of [SIZE, TILE_WIDTH + 1, TILE_WIDTH, 100]) {
      const leafIndexes = [0, 7, 99, treeSize - 1];
      const verdicts = await service.membershipVerdicts(wanted(leafIndexes, leafIndexes, treeSize));
      expect(verdicts).toEqual([VALID, VALID, VALID, VALID]);
    }
  });

  test("is INVALID for the hash of another entry, each by itself", async () => {
    const service = await memory.open();
    const verdicts = await service.membershipVerdicts(wanted([7, 8, 280], [7, 9, 281]));
    expect(verdicts).toEqual([VALID, invalid("HASH_MISMATCH"), invalid("HASH_MISMATCH")]);
  });

  test("is found out from the entries' texts where the stored hashes were changed", async () => {
    const service = await memory.open(changedTile(7 * 32));
    expect(await service.membershipVerdicts(wanted([7, 8, 280], [7, 9, 280]))).toEqual([
      VALID,
      invalid("HASH_MISMATCH"),
      VALID,
    ]);
  });

  test("is LOG_CORRUPT where the texts were changed too, and nothing is said of it", async () => {
    const service = await memory.open({
      ...changedTile(7 * 32),
      entries: async (log, indexes) =>
        (await memory.store.entries(log, indexes)).map((entry) =>
          entry?.leafIndex === 9 ? { ...entry, canonical: entry.canonical.replace("event 9", "event 8") } : entry,
        ),
    });
    await expectCode(service.membershipVerdicts(wanted([7])), "LOG_CORRUPT");
    expect(await service.membershipVerdicts(wanted([280]))).toEqual([VALID]);
  });

  test("is refused beyond the tree", async () => {
    const service = await memory.open();
    await expectCode(service.membershipVerdicts(wanted([100], [100], 100)), "BAD_USER_INPUT");
    await expectCode(service.membershipVerdicts(wanted([0], [0], SIZE + 1)), "NOT_FOUND");
  });
});
