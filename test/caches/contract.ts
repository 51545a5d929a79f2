import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { CachedRoot, RootCache } from "../../src/audit/cache.js";

/** Opens an empty cache that believes a newest root for `NEWEST_TTL_MS`. */
export type OpenCache = () => Promise<RootCache>;

export const NEWEST_TTL_MS = 300;

/** A root as some gateway may have put it: a cache looks at no member but log and size. */
export function cachedRoot(log: string, treeSize: number, mark = ""): CachedRoot {
  const publishedAt = "2026-01-01T00:00:00.000000Z";
  return { log, treeSize, checkpoint: `checkpoint ${treeSize} ${mark}\n`, publishedAt, seal: `seal ${mark}` };
}

/** What every engine of the port RootCache promises. */
export function rootCacheContract(open: OpenCache): void {
  let cache: RootCache;
  beforeEach(async () => {
    cache = await open();
  });
  afterEach(async () => {
    await cache.close();
  });

  test("misses what nobody put", async () => {
    expect(await cache.get("default", 7)).toBeUndefined();
    expect(await cache.newest("default")).toBeUndefined();
  });

  test("hits what was put, to the letter", async () => {
    await cache.put(cachedRoot("default", 7));
    expect(await cache.get("default", 7)).toEqual(cachedRoot("default", 7));
  });

  test("keeps sizes and logs apart", async () => {
    await cache.put(cachedRoot("default", 7));
    expect(await cache.get("default", 8)).toBeUndefined();
    expect(await cache.get("other", 7)).toBeUndefined();
  });

  test("answers no root from the first put of a size", async () => {
    expect(await cache.put(cachedRoot("default", 7))).toBeUndefined();
  });

  test("keeps the first root of a size and answers it to the second put", async () => {
    await cache.put(cachedRoot("default", 7, "first"));
    expect(await cache.put(cachedRoot("default", 7, "second"))).toEqual(cachedRoot("default", 7, "first"));
    expect(await cache.get("default", 7)).toEqual(cachedRoot("default", 7, "first"));
  });

  test("replaces the newest root of a log", async () => {
    await cache.putNewest(cachedRoot("default", 7));
    await cache.putNewest(cachedRoot("default", 9));
    await cache.putNewest(cachedRoot("other", 1));
    expect(await cache.newest("default")).toEqual(cachedRoot("default", 9));
  });

  test("answers the newest root whose place another one took", async () => {
    expect(await cache.putNewest(cachedRoot("default", 9))).toBeUndefined();
    expect(await cache.putNewest(cachedRoot("default", 7))).toEqual(cachedRoot("default", 9));
    expect(await cache.putNewest(cachedRoot("other", 1))).toBeUndefined();
  });

  test("says that it remembers, once it took a newest root", async () => {
    await cache.putNewest(cachedRoot("default", 7));
    expect(cache.isRemembering).toBe(true);
  });

  test("remembers the last newest root of a log for good", async () => {
    await cache.putNewest(cachedRoot("default", 7));
    await cache.putNewest(cachedRoot("default", 9));
    await sleep(NEWEST_TTL_MS + 100);
    expect(await cache.remembered("default")).toEqual(cachedRoot("default", 9));
    expect(await cache.remembered("other")).toBeUndefined();
  });

  test("tells who listens the size of each newest root of a log", async () => {
    const [sizes, others]: [number[], number[]] = [[], []];
    cache.onNewest("default", (treeSize) => sizes.push(treeSize));
    cache.onNewest("other", (treeSize) => others.push(treeSize));
    for (let size = 1; size < 500 && sizes.length < 2; size++) {
      await cache.putNewest(cachedRoot("default", size));
      await sleep(10);
    }
    expect(sizes[1]).toBe((sizes[0] ?? 0) + 1);
    expect(others).toEqual([]);
  });

  test("tells who has ended it no more, and who listens with the same function still", async () => {
    const sizes: number[] = [];
    const listener = (treeSize: number): number => sizes.push(treeSize);
    const [first, stop] = [cache.onNewest("default", listener), cache.onNewest("default", listener)];
    let size = 1;
    for (; size < 500 && sizes.length < 2; size++) {
      await cache.putNewest(cachedRoot("default", size));
      await sleep(10);
    }
    stop();
    await sleep(50);
    sizes.length = 0;
    for (; size < 1_000 && sizes.length < 2; size++) {
      await cache.putNewest(cachedRoot("default", size));
      await sleep(10);
    }
    expect(sizes[1]).toBe((sizes[0] ?? 0) + 1);
    first();
    stop();
    await cache.putNewest(cachedRoot("default", 2_000));
    await sleep(50);
    expect(sizes).not.toContain(2_000);
  });

  test("forgets a newest root after its time, and no root of a fixed size", async () => {
    await cache.put(cachedRoot("default", 7));
    await cache.putNewest(cachedRoot("default", 7));
    await sleep(NEWEST_TTL_MS + 100);
    expect(await cache.newest("default")).toBeUndefined();
    expect(await cache.get("default", 7)).toEqual(cachedRoot("default", 7));
  });
}
