import { beforeEach, describe, expect, test } from "@jest/globals";
import type { RootCache } from "../../../src/audit/cache.js";
import { replaced } from "../../../src/audit/calls.js";
import { timeText } from "../../../src/audit/clock.js";
import type { AuditService } from "../../../src/audit/service.js";
import type { LogReads } from "../../../src/audit/store.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { eventually } from "../../caches/redis-server.js";
import { rejection } from "../rejection.js";
import { FaultStore } from "../fault-store.js";
import { logMessages, NEW_YEAR, openTestService, TestClock } from "../test-log.js";

const SIZE = 5;

let store: FaultStore;
let snapshots: number;
let newestAsked: number;
let cache: RootCache;
let other: AuditService;

beforeEach(async () => {
  store = new FaultStore(new MemoryLogStore());
  [snapshots, newestAsked] = [0, 0];
  const memory = new MemoryRootCache();
  cache = replaced<RootCache>(memory, { newest: (log) => ((newestAsked += 1), memory.newest(log)) });
  other = await openTestService({ store: store.honest, cache: memory, sharedStore: true });
  await logMessages(other, SIZE);
  await eventually(async () => (await memory.newest("default"))?.treeSize === SIZE);
});

async function gateway(sharedStore: boolean): Promise<AuditService> {
  const service = await openTestService({ store, cache, sharedStore });
  await service.root("default");
  store.snapshot = <Result>(look: (reads: LogReads) => Promise<Result>) => ((snapshots += 1), look(store));
  return service;
}

/** What a read asks of the store's head, of a snapshot of it, and of the cache's newest root. */
async function asked(read: () => Promise<unknown>): Promise<readonly number[]> {
  const before = [store.headReads, snapshots, newestAsked] as const;
  await read();
  return [store.headReads - before[0], snapshots - before[1], newestAsked - before[2]];
}

const kinds = async (service: AuditService, leafIndex: number): Promise<readonly string[]> =>
  (await service.entries("default", [leafIndex])).map(({ kind }) => kind);

describe("a gateway that shares its store", () => {
  test("answers what lies within the tree that it knows without a look at a newer one", async () => {
    const service = await gateway(true);
    const proofs = { log: "default", treeSize: SIZE, leafIndexes: [SIZE - 1] };
    for (const read of [
      () => kinds(service, SIZE - 1),
      () => service.root("default", SIZE),
      () => service.membershipProofs(proofs),
      () => service.consistencyProof({ log: "default", fromSize: 1, toSize: SIZE }),
    ])
      expect(await asked(read)).toEqual([0, 0, 0]);
  });

  test("proves no leaf behind the tree that it is asked about", async () => {
    const service = await gateway(true);
    const asked = service.membershipProofs({ log: "default", treeSize: SIZE - 1, leafIndexes: [0, SIZE - 1] });
    expect(await rejection(asked)).toMatchObject({
      code: "BAD_USER_INPUT",
      problems: [{ path: "leafIndex", expected: `a leaf index below ${SIZE - 1}`, got: String(SIZE - 1) }],
    });
  });

  test("reads of what another appended no more than that", async () => {
    const service = await gateway(true);
    await logMessages(other, 2);
    const ranges: unknown[] = [];
    const leafHashes = store.leafHashes.bind(store);
    store.leafHashes = (log, range) => (ranges.push(range), leafHashes(log, range));
    expect((await service.root("default")).treeSize).toBe(SIZE + 2);
    expect(new Set(ranges.map((range) => JSON.stringify(range)))).toEqual(
      new Set([JSON.stringify({ start: SIZE, end: SIZE + 2 })]),
    );
  });

  test("looks once for what lies behind it, and reads no tree again that has not changed", async () => {
    const service = await gateway(true);
    expect(await asked(() => kinds(service, SIZE))).toEqual([1, 0, 1]);
  });

  test("proves what another appended to be a continuation, and refuses the other way round", async () => {
    const service = await gateway(true);
    await logMessages(other, 2);
    const proof = await service.consistencyProof({ log: "default", fromSize: 2, toSize: SIZE + 2 });
    expect([proof.fromSize, proof.toSize]).toEqual([2, SIZE + 2]);
    const [behind, both] = [
      { fromSize: 1, toSize: SIZE + 3 },
      { fromSize: SIZE + 3, toSize: SIZE + 3 },
    ];
    for (const sizes of [behind, both])
      expect(await rejection(service.consistencyProof({ log: "default", ...sizes }))).toMatchObject({
        code: "NOT_FOUND",
        message: `The log default has ${SIZE + 2} entries: it has no tree of size ${SIZE + 3} yet.`,
      });
    for (const sizes of [
      { fromSize: 0, toSize: SIZE },
      { fromSize: 0, toSize: 0 },
    ])
      expect(await rejection(service.consistencyProof({ log: "default", ...sizes }))).toMatchObject({
        problems: [{ path: "fromSize", got: "0" }],
      });
    const turned = service.consistencyProof({ log: "default", fromSize: SIZE + 2, toSize: 2 });
    expect(await rejection(turned)).toMatchObject({ code: "BAD_USER_INPUT" });
  });

  test("asks no cache for what it has found in the store", async () => {
    const service = await gateway(true);
    await logMessages(other, 1);
    expect(await asked(() => kinds(service, SIZE))).toEqual([2, 1, 0]);
    expect(await kinds(service, SIZE)).toEqual(["entry"]);
  });
});

test("a gateway that has its store to itself never looks at its newest tree", async () => {
  const service = await gateway(false);
  expect(await asked(() => kinds(service, SIZE))).toEqual([0, 0, 0]);
  expect(await asked(() => service.root("default"))).toEqual([0, 0, 0]);
});

test("a log that does not exist is named by up to 64 characters, beside those that do", async () => {
  const service = await gateway(false);
  for (const name of ["defaults", `${"d".repeat(63)}ef`]) {
    const expected = `There is no log ${JSON.stringify(name.slice(0, 64))}; the logs are: default.`;
    expect(await rejection(service.root(name))).toMatchObject({ code: "NOT_FOUND", message: expected });
  }
});

test("a window is looked up anew in a log that took the place of one that nobody was told of", async () => {
  const logOf = async (seconds: readonly number[]): Promise<MemoryLogStore> => {
    const [log, clock] = [new MemoryLogStore(), new TestClock()];
    const writer = await openTestService({ store: log, clock: clock.now });
    for (const second of seconds) {
      clock.micros = NEW_YEAR + second * 1_000_000;
      await logMessages(writer, 1);
    }
    return log;
  };
  const failing = new FaultStore(await logOf([0, 10]));
  failing.durability = "away";
  const service = await openTestService({ store: failing, sharedStore: true });
  const window = { start: timeText(NEW_YEAR + 5_000_000) };
  const found = async () => (await service.search({ log: "default", query: "", window }, {})).leafIndexes;
  expect(await found()).toEqual([1]);
  failing.honest = await logOf([10, 11, 12]);
  expect(await found()).toEqual([2, 1, 0]);
});
