import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { RootCache } from "../../../src/audit/cache.js";
import type { AuditError } from "../../../src/audit/errors.js";
import type { AuditService } from "../../../src/audit/service.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { RedisRootCache } from "../../../src/caches/redis/root-cache.js";
import { openLocalService } from "../../../src/engine/local-service.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openStore } from "../../../src/stores/index.js";
import { rejection } from "../rejection.js";
import { eventually, redisProgram, RedisServer } from "../../caches/redis-server.js";
import { gatewayFolder, removeFolder } from "../../gateway.js";
import { describeWith } from "../../service.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "../../stores/postgres/server.js";
import { logMessages, ORIGIN } from "../test-log.js";
import { KEYRING } from "../../keyring.js";

/** What Redis remembers is what is tested here: a busy machine must not make it a miss. */
const PATIENCE_MS = 5_000;

/** For how long a store that is shorter than a signed root is taken for one that is behind. */
const BEHIND_MS = 200;

/** What writes are refused with in the end; until it is certain that entries are lost, as UNAVAILABLE. */
async function lastingRefusal(service: AuditService): Promise<AuditError> {
  let refusal = await rejection(logMessages(service, 1));
  await eventually(async () => {
    if (refusal.code === "UNAVAILABLE") refusal = await rejection(logMessages(service, 1));
    return refusal.code !== "UNAVAILABLE";
  });
  return refusal;
}

/** A store that an operator backs up and restores while no gateway runs. */
interface Backups {
  readonly url: string;
  backup(name: string): Promise<void>;
  restore(name: string): Promise<void>;
}

function sqliteBackups(folder: string): Backups {
  const live = join(folder, "live");
  const copy = (from: string, to: string): Promise<void> => {
    rmSync(to, { recursive: true, force: true });
    cpSync(from, to, { recursive: true });
    return Promise.resolve();
  };
  return {
    url: `sqlite:${join(live, "audit.db")}`,
    backup: async (name) => copy(live, join(folder, name)),
    restore: async (name) => copy(join(folder, name), live),
  };
}

async function postgresBackups(server: PostgresServer): Promise<Backups> {
  const [url, elsewhere] = [await server.newDatabase(), await server.newDatabase()];
  const live = new URL(url).pathname.slice(1);
  const copy = async (from: string, to: string): Promise<void> => {
    await sql(elsewhere, `DROP DATABASE IF EXISTS ${to} WITH (FORCE)`);
    await sql(elsewhere, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [from]);
    await sql(elsewhere, `CREATE DATABASE ${to} TEMPLATE ${from}`);
  };
  return {
    url,
    backup: async (name) => copy(live, `${live}_${name}`),
    restore: async (name) => copy(`${live}_${name}`, live),
  };
}

describeWith("redis-server and PostgreSQL", !!redisProgram && hasPostgres(), () => {
  const folder = gatewayFolder();
  let redis: RedisServer;
  let postgres: PostgresServer;
  let alarms: string[];
  let notes: string[];
  const closing: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    [redis, postgres] = await Promise.all([RedisServer.start(), somePostgres()]);
  });
  beforeEach(async () => {
    alarms = [];
    notes = [];
    await redis.command("FLUSHALL");
  });
  afterEach(async () => {
    await closeAll();
  });
  afterAll(async () => {
    await Promise.all([redis.kill(), postgres.close()]);
    removeFolder(folder);
  });

  async function closeAll(): Promise<void> {
    for (const close of closing.splice(0).reverse()) await close();
  }

  async function redisCache(): Promise<RootCache> {
    const cache = new RedisRootCache({ url: redis.url, origin: ORIGIN, commandTimeoutMs: PATIENCE_MS });
    await cache.attempted();
    closing.push(async () => cache.close());
    return cache;
  }

  async function gateway(url: string, cache: RootCache): Promise<AuditService> {
    const { log: store, index, isShared } = indexed(await openStore(url), KEYRING);
    const service = await openLocalService({
      ...{ store, index, sharedStore: isShared, cache, keyring: KEYRING, origin: ORIGIN },
      logs: [{ log: "default", format: "rfc6962" }],
      alarm: (text) => alarms.push(text),
      note: (text) => notes.push(text),
      behindPatienceMs: BEHIND_MS,
    });
    closing.push(async () => {
      await service.close();
      await index.close();
      await store.close();
    });
    return service;
  }

  /** Logs so many entries through a gateway of its own, which is stopped again when Redis remembers them. */
  async function logged(url: string, count: number, cache?: RootCache): Promise<void> {
    const rootCache = cache ?? (await redisCache());
    const { root } = await logMessages(await gateway(url, rootCache), count);
    await eventually(async () => (await rootCache.remembered("default"))?.treeSize === root.treeSize);
    await closeAll();
  }

  const engines: readonly (readonly [string, () => Promise<Backups>])[] = [
    ["SQLite", () => Promise.resolve(sqliteBackups(join(folder, String(Math.random()))))],
    ["PostgreSQL", async () => postgresBackups(postgres)],
  ];

  describe.each(engines)("a log on %s, with Redis,", (_engine, makeBackups) => {
    let store: Backups;
    beforeEach(async () => {
      store = await makeBackups();
      await logged(store.url, 300);
      await store.backup("older");
      await logged(store.url, 20);
      await store.backup("newest");
      await store.restore("older");
    });

    test("restored from an older backup takes no entries, says what to do, and is still read", async () => {
      const service = await gateway(store.url, await redisCache());
      const error = await lastingRefusal(service);
      expect(error.code).toBe("ROOT_CONFLICT");
      expect(error.message).toMatch(
        /^The log default has 300 entries, and a signed root of size 320\. .*operating\.md\.$/,
      );
      expect(alarms).toEqual([error.message]);
      expect((await rejection(service.root("default", 300))).code).toBe("ROOT_CONFLICT");
      expect((await service.entries("default", [0, 299])).map(({ kind }) => kind)).toEqual(["entry", "entry"]);
      expect((await service.search({ log: "default", query: '"event 42"' }, {})).leafIndexes).toEqual([42]);
    });

    test("goes on when the newest backup is put in its place", async () => {
      await rejection(logMessages(await gateway(store.url, await redisCache()), 1));
      await closeAll();
      await store.restore("newest");
      const service = await gateway(store.url, await redisCache());
      expect((await logMessages(service, 1)).root.treeSize).toBe(321);
    });

    test("that grew in another way since the backup is found out", async () => {
      await logged(store.url, 50, new MemoryRootCache());
      const service = await gateway(store.url, await redisCache());
      const error = await rejection(logMessages(service, 1));
      expect(error.code).toBe("ROOT_CONFLICT");
      expect(error.message).toMatch(/^The log default has two signed roots of size 320\./);
    });

    test("is found out when Redis was away at the start and comes back, and Redis does not forget", async () => {
      const cache = await redisCache();
      const remembered = await cache.remembered("default");
      let isAway = true;
      const away: RootCache = {
        isAnswering: true,
        isRemembering: true,
        get: async () => Promise.resolve(undefined),
        put: async () => Promise.resolve(undefined),
        newest: async () => Promise.resolve(undefined),
        putNewest: async (root) => (isAway ? Promise.resolve(undefined) : cache.putNewest(root)),
        remembered: async (log) => (isAway ? Promise.resolve(undefined) : cache.remembered(log)),
        onNewest: () => () => undefined,
        close: async () => Promise.resolve(),
      };
      const service = await gateway(store.url, away);
      await logMessages(service, 1);
      isAway = false;
      expect((await lastingRefusal(service)).code).toBe("ROOT_CONFLICT");
      expect(alarms).toHaveLength(1);
      expect(await cache.remembered("default")).toEqual(remembered);
    });
  });

  describe("a database that falls back under a running gateway, without Redis,", () => {
    test("to fewer entries, as a replica that was behind, is not written, and is read", async () => {
      const store = await postgresBackups(postgres);
      await logged(store.url, 10, new MemoryRootCache());
      await store.backup("behind");
      const service = await gateway(store.url, new MemoryRootCache());
      await logMessages(service, 5);
      await store.restore("behind");
      const error = await lastingRefusal(service);
      expect([error.code, error.message]).toEqual([
        "ROOT_CONFLICT",
        expect.stringMatching(/^The log default has 10 entries, and a signed root of size 15\./),
      ]);
      expect((await rejection(logMessages(service, 1))).code).toBe("ROOT_CONFLICT");
      expect(alarms).toEqual([error.message]);
      expect((await service.search({ log: "default", query: "" }, {})).leafIndexes).toHaveLength(10);
      expect((await service.entries("default", [9])).map(({ kind }) => kind)).toEqual(["entry"]);
    });

    test.each([5, 7])("and grows again, by %i other entries, is not written over", async (others) => {
      const store = await postgresBackups(postgres);
      await logged(store.url, 10, new MemoryRootCache());
      await store.backup("behind");
      const service = await gateway(store.url, new MemoryRootCache());
      await logMessages(service, 5);
      await store.restore("behind");
      const other = await gateway(store.url, new MemoryRootCache());
      await logMessages(other, others);
      const error = await rejection(logMessages(service, 1));
      expect([error.code, error.message]).toEqual([
        "ROOT_CONFLICT",
        expect.stringMatching(
          /^The log default has a signed root of size 1[57] that does not extend that of size 15\./,
        ),
      ]);
      expect((await logMessages(other, 1)).root.treeSize).toBe(10 + others + 1);
    });
  });
});
