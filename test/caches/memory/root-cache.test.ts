import { describe, expect, test } from "@jest/globals";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { cachedRoot, NEWEST_TTL_MS, rootCacheContract } from "../contract.js";

describe("the memory root cache", () => {
  rootCacheContract(async () => new MemoryRootCache({ newestTtlMs: NEWEST_TTL_MS }));

  test("lets the least recently used root go when it is full", async () => {
    const cache = new MemoryRootCache({ maxRoots: 2 });
    await cache.put(cachedRoot("default", 1));
    await cache.put(cachedRoot("default", 2));
    await cache.get("default", 1);
    await cache.put(cachedRoot("default", 3));
    expect(await cache.get("default", 2)).toBeUndefined();
    expect(await cache.get("default", 1)).toEqual(cachedRoot("default", 1));
  });
});
