import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ScopedService } from "../../../src/access/scoped-service.js";
import type { AuditService, EntryOutcome, TailRequest } from "../../../src/audit/service.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { checkTail, tailLog, type TailedLog } from "../../../src/engine/log/tail.js";
import { CREDENTIALS, EVENTS, NOW_MS, scoped } from "../../access/credentials.js";
import { expectCode, expectProblems, rejection } from "../rejection.js";
import { FaultStore } from "../fault-store.js";
import { shownOf, tailed, take } from "../tail-reading.js";
import { fill, logMessages, openTestService } from "../test-log.js";

let service: AuditService;
let controller: AbortController;
beforeEach(async () => {
  service = await openTestService();
  controller = new AbortController();
});
afterEach(async () => {
  controller.abort();
  await service.close();
});

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

async function opened(request: Omit<TailRequest, "log">, on = service): Promise<AsyncIterator<EntryOutcome>> {
  return (await on.tail({ log: "default", ...request }, { signal: AbortSignal.any([controller.signal]) }))[
    Symbol.asyncIterator
  ]();
}

describe("a tail", () => {
  test("begins with what is logged after it was opened", async () => {
    await fill(service, 3);
    const tail = await opened({});
    await fill(service, 2);
    expect(shownOf(await take(tail, 2))).toEqual([3, 4]);
  });

  test("shows every entry from an index on once, in order, over many pages", async () => {
    await fill(service, 300);
    expect(shownOf(await tailed(service, { log: "default", fromLeafIndex: 7 }))).toEqual(range(7, 300));
  });

  test("misses nothing and repeats nothing while the log grows under it", async () => {
    await fill(service, 100);
    const tail = await opened({ fromLeafIndex: 90 });
    const logging = Promise.all(range(0, 150).map((i) => logMessages(service, 1 + (i % 3))));
    expect(shownOf(await take(tail, 310))).toEqual(range(90, 400));
    await logging;
  });

  test("waits at an entry that a failover lost, and shows what takes its place", async () => {
    const found: EntryOutcome[][] = [
      [{ kind: "corrupt", leafIndex: 0 }, { kind: "missing" }],
      [{ kind: "corrupt", leafIndex: 1 }],
    ];
    const asked: (readonly number[])[] = [];
    const log: TailedLog = {
      grownBeyond: (size) => Promise.resolve(Math.max(size, 1) + 1),
      isMatch: () => Promise.resolve(true),
      entries: (leafIndexes) => {
        asked.push(leafIndexes);
        return Promise.resolve(found.shift() ?? []);
      },
    };
    const tail = tailLog(
      log,
      { ...checkTail({ log: "default", fromLeafIndex: 0 }, 0), bound: undefined },
      controller.signal,
    );
    expect(await take(tail, 2)).toEqual([
      { kind: "corrupt", leafIndex: 0 },
      { kind: "corrupt", leafIndex: 1 },
    ]);
    expect(asked).toEqual([[0, 1], [1]]);
  });

  test("lets others run while it reads page after page without a match", async () => {
    let pages = 0;
    const log: TailedLog = {
      grownBeyond: (size) => Promise.resolve(size + 1),
      isMatch: () => Promise.resolve(false),
      entries: ([leafIndex = 0]) => {
        pages += 1;
        if (pages === 100) controller.abort();
        return Promise.resolve([{ kind: "corrupt", leafIndex }]);
      },
    };
    const tail = tailLog(
      log,
      { ...checkTail({ log: "default", fromLeafIndex: 0 }, 0), bound: { actor: ["alice"] } },
      controller.signal,
    );
    const ended = tail.next();
    await new Promise(setImmediate);
    expect(pages).toBeLessThan(5);
    await ended;
  });

  test("shows an entry to all who wait for it", async () => {
    const tails = await Promise.all(range(0, 20).map(() => opened({})));
    const waiting = tails.map((tail) => tail.next());
    await logMessages(service, 1);
    const outcomes = (await Promise.all(waiting)).map(({ value }) => value as EntryOutcome);
    expect(shownOf(outcomes)).toEqual(tails.map(() => 0));
  });

  test("shows only what its query matches", async () => {
    await service.append({ log: "default", events: EVENTS, sign: false, path: "events" });
    expect(
      shownOf(await tailed(service, { log: "default", query: "actor:bob -tenant_id:acme", fromLeafIndex: 0 })),
    ).toEqual([3, 5]);
  });

  test("reads one page ahead of its reader, and no further", async () => {
    const store = new MemoryLogStore();
    await fill(await openTestService({ store }), 1_000);
    const full = await openTestService({ store });
    const asked: number[] = [];
    const read = store.entries.bind(store);
    store.entries = (log, indexes) => {
      asked.push(...indexes);
      return read(log, indexes);
    };
    expect(shownOf(await take(await opened({ fromLeafIndex: 10 }, full), 3))).toEqual([10, 11, 12]);
    expect(asked).toEqual(range(10, 74));
  });

  test("ends when its signal aborts, also while it waits", async () => {
    const waiting = (await opened({})).next();
    controller.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test("ends when its signal aborts in the middle of a page", async () => {
    await fill(service, 10);
    const tail = await opened({ fromLeafIndex: 0 });
    expect(shownOf(await take(tail, 3))).toEqual([0, 1, 2]);
    controller.abort();
    expect(await tail.next()).toEqual({ done: true, value: undefined });
  });

  test("is told when the service closes", async () => {
    const waiting = (await opened({})).next();
    const told = expectCode(waiting, "UNAVAILABLE");
    await service.close();
    await told;
  });

  test("shows that an entry is corrupt, and goes on", async () => {
    const store = new MemoryLogStore();
    await logMessages(await openTestService({ store }), 5);
    const honest = await openTestService({ store });
    const read = store.entries.bind(store);
    store.entries = async (log, indexes) =>
      (await read(log, indexes)).map((entry) =>
        entry?.leafIndex === 2 ? { ...entry, canonical: `${entry.canonical} ` } : entry,
      );
    const outcomes = await tailed(honest, { log: "default", query: "event", fromLeafIndex: 1 });
    expect(shownOf(outcomes)).toEqual([1, "corrupt", 3, 4]);
    expect(outcomes[1]).toEqual({ kind: "corrupt", leafIndex: 2 });
    const alices = scoped("alice's entries", honest);
    expect(await tailed(alices, { log: "default", fromLeafIndex: 0 })).toEqual([]);
  });

  test("is refused with every bad argument named", async () => {
    await fill(service, 2);
    await expectProblems(opened({ query: "alice AND", fromLeafIndex: 3 }), {
      query: "the end of the query",
      fromLeafIndex: "3",
    });
    await expectProblems(opened({ fromLeafIndex: -1 }), { fromLeafIndex: "-1" });
    await expectCode(service.tail({ log: "other" }, controller), "NOT_FOUND");
  });
});

describe("the tail of a log that others write to as well", () => {
  test("shows their entries though nothing is logged here", async () => {
    const store = new MemoryLogStore();
    const here = await openTestService({ store, sharedStore: true });
    const there = await openTestService({ store, sharedStore: true });
    const tail = await opened({}, here);
    const waiting = take(tail, 3);
    await logMessages(there, 3);
    expect(shownOf(await waiting)).toEqual([0, 1, 2]);
  });

  test("is woken when a cache that is shared says that the log has grown", async () => {
    const [store, cache] = [new MemoryLogStore(), new MemoryRootCache()];
    const here = await openTestService({ store, cache, sharedStore: true });
    const there = await openTestService({ store, cache, sharedStore: true });
    const tail = await opened({}, here);
    const begun = performance.now();
    for (let at = 0; at < 10; at++) {
      const waiting = take(tail, 1);
      await logMessages(there, 1);
      expect(shownOf(await waiting)).toEqual([at]);
    }
    // Ten looks of one a second would take nine.
    expect(performance.now() - begun).toBeLessThan(8_000);
  });

  test("asks the store about once a second, however many wait", async () => {
    const store = new FaultStore(new MemoryLogStore());
    const here = await openTestService({ store, sharedStore: true });
    const tails = await Promise.all(range(0, 50).map(() => opened({}, here)));
    const reads = store.headReads;
    const waiting = tails.map((tail) => tail.next());
    const there = await openTestService({ store: store.honest, sharedStore: true });
    await logMessages(there, 1);
    await Promise.all(waiting);
    // The first look may be too early.
    expect(store.headReads - reads).toBeLessThanOrEqual(2);
  });

  test("ends when the store cannot be asked, so that its reader comes back", async () => {
    const store = new FaultStore(new MemoryLogStore());
    const here = await openTestService({ store, sharedStore: true });
    const waiting = (await opened({}, here)).next();
    store.headFailures = 1;
    await expect(waiting).rejects.toThrow("connection refused");
  });
});

describe("a credential's tail", () => {
  test("ends with its credential", async () => {
    let now = NOW_MS;
    const { principal } = CREDENTIALS["good for a millisecond more"];
    const tail = await opened({}, new ScopedService(service, { principal, now: () => now }));
    await logMessages(service, 2);
    expect(shownOf(await take(tail, 1))).toEqual([0]);
    now += 1;
    expect((await rejection(tail.next())).code).toBe("UNAUTHENTICATED");
  });
});
