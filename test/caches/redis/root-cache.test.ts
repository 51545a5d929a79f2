import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { RedisRootCache } from "../../../src/caches/redis/root-cache.js";
import { describeWith } from "../../service.js";
import { cachedRoot, NEWEST_TTL_MS, rootCacheContract } from "../contract.js";
import { eventually, redisProgram, RedisServer } from "../redis-server.js";

const ORIGIN = "test.example/log";
const COMMAND_TIMEOUT_MS = 75;
/** What a bounded wait may take on a busy machine, far below "hangs". */
const SOON_MS = 5_000;

async function connected(server: RedisServer, changes: string[] = []): Promise<RedisRootCache> {
  const cache = new RedisRootCache({
    url: server.url,
    origin: ORIGIN,
    newestTtlMs: NEWEST_TTL_MS,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    onChange: (message) => changes.push(message),
  });
  await answering(cache);
  return cache;
}

async function answering(cache: RedisRootCache): Promise<void> {
  await eventually(async () => {
    await cache.put(cachedRoot("probe", 1));
    return (await cache.get("probe", 1)) !== undefined;
  });
}

describeWith("redis-server", redisProgram !== undefined, () => {
  describe("the Redis root cache", () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await RedisServer.start();
    });
    afterAll(async () => {
      await server.kill();
    });
    rootCacheContract(async () => {
      await server.command("FLUSHALL");
      return connected(server);
    });

    test("shares roots between gateways of one origin, and not with another origin", async () => {
      const [one, two] = [await connected(server), await connected(server)];
      const stranger = new RedisRootCache({ url: server.url, origin: "other.example/log" });
      await answering(stranger);
      await one.put(cachedRoot("default", 70));
      expect(await two.get("default", 70)).toEqual(cachedRoot("default", 70));
      expect(await stranger.get("default", 70)).toBeUndefined();
      await Promise.all([one.close(), two.close(), stranger.close()]);
    });

    /** Puts newest roots until somebody is told of one. */
    const heard = async (cache: RedisRootCache, sizes: readonly number[]): Promise<void> => {
      const known = sizes.length;
      let size = 100;
      await eventually(async () => {
        await cache.putNewest(cachedRoot("default", size++));
        return sizes.length > known;
      });
    };

    test("tells one gateway what another has put, again after the server was gone", async () => {
      const own = await RedisServer.start();
      const [writer, listener] = [await connected(own), await connected(own)];
      const sizes: number[] = [];
      listener.onNewest("default", (size) => sizes.push(size));
      await heard(writer, sizes);
      await own.kill();
      const again = await RedisServer.start(own.port);
      await answering(writer);
      await heard(writer, sizes);
      await Promise.all([writer.close(), listener.close(), again.kill()]);
    });

    test("goes without being told where the server does not allow it, and where it tells nonsense", async () => {
      const own = await RedisServer.start();
      const [writer, listener] = [await connected(own), await connected(own)];
      const sizes: number[] = [];
      listener.onNewest("default", (size) => sizes.push(size));
      await heard(writer, sizes);
      for (const nonsense of ["x", "-1", "1.5", "NaN", "1e400"])
        await own.command(`PUBLISH auditql:1:${ORIGIN}/default:newest ${nonsense}`);
      await own.command("ACL SETUSER default -subscribe");
      const denied = await connected(own);
      denied.onNewest("default", () => sizes.push(0));
      await denied.put(cachedRoot("default", 70));
      expect(await denied.get("default", 70)).toEqual(cachedRoot("default", 70));
      // The server tells in the order it was told: what is heard up to the last is all that the nonsense came to.
      await writer.putNewest(cachedRoot("default", 9_999));
      await eventually(() => Promise.resolve(sizes.includes(9_999)));
      expect(sizes.filter((size) => !(Number.isSafeInteger(size) && size >= 100))).toEqual([]);
      await Promise.all([writer.close(), listener.close(), denied.close(), own.kill()]);
    });

    test.each(["", "null", "{}", "not json", '{"log":1,"treeSize":"7"}', '"a"', "9".repeat(9_000)])(
      "takes a value of another shape for a miss: %.20s",
      async (text) => {
        const cache = await connected(server);
        await server.command(`SET auditql:1:${ORIGIN}/default:root:71 ${JSON.stringify(text)}`);
        expect(await cache.get("default", 71)).toBeUndefined();
        await cache.close();
      },
    );
  });

  describe("the Redis root cache in trouble", () => {
    let server: RedisServer;
    let cache: RedisRootCache;
    let changes: string[];
    beforeEach(async () => {
      changes = [];
      server = await RedisServer.start();
      cache = await connected(server, changes);
      await cache.put(cachedRoot("default", 7));
    });
    afterEach(async () => {
      await cache.close();
      await server.kill();
    });

    test("misses after the server was flushed, and hits again after the next put", async () => {
      await server.command("FLUSHALL");
      expect(await cache.get("default", 7)).toBeUndefined();
      await cache.put(cachedRoot("default", 7));
      expect(await cache.get("default", 7)).toEqual(cachedRoot("default", 7));
    });

    test("waits a bounded time for a server that does not answer, then misses", async () => {
      server.freeze();
      const startedAtMs = performance.now();
      expect(await cache.get("default", 7)).toBeUndefined();
      expect(performance.now() - startedAtMs).toBeGreaterThan(COMMAND_TIMEOUT_MS / 2);
      expect(performance.now() - startedAtMs).toBeLessThan(SOON_MS);
    });

    test("costs nothing while the server does not answer, says so once, and comes back", async () => {
      server.freeze();
      for (let i = 0; i < 3; i++) await cache.get("default", 7);
      const startedAtMs = performance.now();
      for (let i = 0; i < 1_000; i++) expect(await cache.get("default", 7)).toBeUndefined();
      // Waiting for the server each time would take three times as long.
      expect(performance.now() - startedAtMs).toBeLessThan((1_000 * COMMAND_TIMEOUT_MS) / 3);
      expect(changes).toEqual(["Redis does not answer: roots are not shared"]);
      server.thaw();
      await answering(cache);
      expect(changes.at(-1)).toBe("Redis answers again");
    });

    test("misses when the server is killed in mid-request", async () => {
      server.freeze();
      const asked = [cache.get("default", 7), cache.newest("default"), cache.put(cachedRoot("default", 8))];
      await server.kill();
      expect(await Promise.all(asked)).toEqual([undefined, undefined, undefined]);
      await expect(cache.putNewest(cachedRoot("default", 8))).resolves.toBeUndefined();
    });

    const fill = async (): Promise<void> => {
      await server.command(`SET filler ${"x".repeat(60_000)}`);
      await server.command("CONFIG SET maxmemory 1");
    };

    test("says that it does not remember while a full server takes no root, and after it has room again", async () => {
      await server.command("CONFIG SET maxmemory-policy noeviction");
      await cache.putNewest(cachedRoot("default", 7));
      await fill();
      await cache.putNewest(cachedRoot("default", 8));
      expect(cache.isRemembering).toBe(false);
      await server.command("CONFIG SET maxmemory 0");
      await eventually(async () => (await cache.remembered("default")) !== undefined);
      expect(await cache.remembered("default")).toEqual(cachedRoot("default", 7));
      await eventually(
        async () => (await cache.putNewest(cachedRoot("other", 1)), (await cache.remembered("other")) !== undefined),
      );
      expect(cache.isRemembering).toBe(false); // another log's root is not this one's
      await cache.putNewest(cachedRoot("default", 8));
      expect(cache.isRemembering).toBe(true);
      expect(await cache.remembered("default")).toEqual(cachedRoot("default", 8));
    });

    test("keeps what it remembers where a full server evicts what expires, roots of every size among it", async () => {
      await server.command("CONFIG SET maxmemory-policy volatile-ttl");
      await cache.putNewest(cachedRoot("default", 7));
      await cache.put(cachedRoot("default", 6));
      await fill();
      // Each write asks for room first.
      await cache.putNewest(cachedRoot("default", 8));
      expect(await cache.get("default", 6)).toBeUndefined();
      expect((await cache.remembered("default"))?.treeSize).toBe(7);
      await server.command("CONFIG SET maxmemory 0");
    });

    test("does not remember while the server is away", async () => {
      await server.kill();
      await cache.putNewest(cachedRoot("default", 7));
      expect(cache.isRemembering).toBe(false);
    });

    test("finds a server again that was started anew", async () => {
      await server.kill();
      expect(await cache.get("default", 7)).toBeUndefined();
      server = await RedisServer.start(server.port);
      await answering(cache);
      expect(await cache.get("default", 7)).toBeUndefined();
    });

    test("is a miss from the start where nothing listens", async () => {
      await server.kill();
      const lonely = new RedisRootCache({ url: server.url, origin: ORIGIN });
      expect(await lonely.get("default", 7)).toBeUndefined();
      expect(await lonely.put(cachedRoot("default", 7))).toBeUndefined();
      await lonely.close();
    });
  });
});
