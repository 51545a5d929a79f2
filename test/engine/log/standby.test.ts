import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { AuditService } from "../../../src/audit/service.js";
import { RedisRootCache } from "../../../src/caches/redis/root-cache.js";
import { openLocalService } from "../../../src/engine/local-service.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openStore } from "../../../src/stores/index.js";
import { expectCode } from "../rejection.js";
import { eventually, redisProgram, RedisServer } from "../../caches/redis-server.js";
import { describeWith } from "../../service.js";
import { OwnPostgres, postgresPrograms, sql } from "../../stores/postgres/server.js";
import { logMessages, ORIGIN } from "../test-log.js";
import { KEYRING } from "../../keyring.js";

const LIMIT_MS = 180_000;
const SIZE = 20;
const LAG = 5;

describeWith("a PostgreSQL of its own and redis-server", postgresPrograms() !== undefined && !!redisProgram, () => {
  let redis: RedisServer;
  let primary: OwnPostgres;
  let standby: OwnPostgres;
  let database: string;
  let writer: AuditService;
  let alarms: string[];
  let caches: RedisRootCache[];
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  beforeEach(async () => {
    alarms = [];
    caches = [];
    await redis.command("FLUSHALL");
    primary = await OwnPostgres.start();
    database = await primary.newDatabase();
    writer = await gateway(database);
    await logMessages(writer, SIZE);
    expect((await writer.search({ log: "default", query: "" }, {})).leafIndexes).toHaveLength(SIZE);
    standby = await primary.standby();
    await eventually(async () => (await lengthOn(standby)) === SIZE);
  }, LIMIT_MS);

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await Promise.all([standby.close(), primary.close()]);
  }, LIMIT_MS);

  afterAll(async () => {
    await redis.kill();
  });

  /** Without patience: on a server that may be written, entries that are not there are lost at once. */
  async function gateway(url: string): Promise<AuditService> {
    const cache = new RedisRootCache({ url: redis.url, origin: ORIGIN, commandTimeoutMs: 5_000, newestTtlMs: 600_000 });
    await cache.attempted();
    caches.push(cache);
    const { log: store, index, isShared } = indexed(await openStore(url), KEYRING);
    const service = await openLocalService({
      ...{ store, index, sharedStore: isShared, cache, keyring: KEYRING, origin: ORIGIN },
      logs: [{ log: "default", format: "rfc6962" }],
      alarm: (text) => alarms.push(text),
      behindPatienceMs: 0,
    });
    closing.push(async () => {
      await service.close();
      await Promise.all([index.close(), cache.close()]);
      await store.close();
    });
    return service;
  }

  const isPublished = async (): Promise<boolean> => (await caches[0]?.remembered("default"))?.treeSize === SIZE + LAG;

  const onStandby = (): string => {
    const url = new URL(database);
    url.port = new URL(standby.url).port;
    return url.href;
  };

  async function lengthOn(server: OwnPostgres): Promise<unknown> {
    const url = new URL(database);
    url.port = new URL(server.url).port;
    const [row] = await sql(url.href, "SELECT size::integer FROM auditql.heads");
    return (row as { readonly size: unknown } | undefined)?.size;
  }

  /** Logs some more on the primary, which the standby receives and does not show, and waits until Redis tells of it. */
  async function lag(): Promise<void> {
    await sql(standby.url, "SELECT pg_wal_replay_pause()");
    await eventually(async () => {
      const [row] = await sql(standby.url, "SELECT pg_get_wal_replay_pause_state() AS state");
      return (row as { readonly state: unknown }).state === "paused";
    });
    await logMessages(writer, LAG);
    await eventually(isPublished);
    expect(await lengthOn(standby)).toBe(SIZE);
  }

  async function expectReadAsFarAsItGoes(reader: AuditService): Promise<void> {
    expect((await reader.root("default")).treeSize).toBe(SIZE);
    expect((await reader.root("default", SIZE - 1)).treeSize).toBe(SIZE - 1);
    expect((await reader.search({ log: "default", query: "" }, {})).leafIndexes).toHaveLength(SIZE);
    expect((await reader.entries("default", [0, SIZE - 1])).map(({ kind }) => kind)).toEqual(["entry", "entry"]);
    await expectCode(reader.entries("default", [SIZE]), "UNAVAILABLE");
    await expectCode(reader.root("default", SIZE + LAG), "UNAVAILABLE");
    await expectCode(logMessages(reader, 1), "UNAVAILABLE");
  }

  test(
    "gateways on a standby that lags read what there is, and write without a restart when it was promoted without a loss",
    async () => {
      const running = await gateway(onStandby());
      await lag();
      await expectReadAsFarAsItGoes(running);
      const started = await gateway(onStandby());
      await expectReadAsFarAsItGoes(started);
      await sql(standby.url, "SELECT pg_wal_replay_resume()");
      for (const reader of [running, started]) {
        await eventually(async () => (await reader.root("default")).treeSize === SIZE + LAG);
        expect((await reader.entries("default", [SIZE])).map(({ kind }) => kind)).toEqual(["entry"]);
      }
      await primary.stop("fast");
      await sql(standby.url, "SELECT pg_promote()");
      for (const [place, reader] of [running, started].entries()) {
        let size = 0;
        await eventually(async () => {
          size = await logMessages(reader, 1).then(
            ({ root }) => root.treeSize,
            () => 0,
          );
          return size > 0;
        });
        expect(size).toBe(SIZE + LAG + place + 1);
      }
      expect(alarms).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    "a gateway on a standby that was promoted without the last entries writes nothing on it",
    async () => {
      const reader = await gateway(onStandby());
      // What is replayed later never comes: the primary is gone before it was sent.
      await sql(primary.url, "ALTER SYSTEM SET max_wal_senders = 0");
      await primary.stop("fast");
      await primary.startAgain();
      await eventually(async () =>
        logMessages(writer, LAG).then(
          () => true,
          () => false,
        ),
      );
      await eventually(isPublished);
      expect((await reader.root("default")).treeSize).toBe(SIZE);
      await primary.stop("fast");
      await sql(standby.url, "SELECT pg_promote()");
      await eventually(async () =>
        logMessages(reader, 1).then(
          () => true,
          (error: unknown) => error instanceof Error && "code" in error && error.code === "ROOT_CONFLICT",
        ),
      );
      expect(await lengthOn(standby)).toBe(SIZE);
      expect(alarms).toEqual([
        expect.stringMatching(/^The log default has 20 entries, and a signed root of size 25\./),
      ]);
    },
    LIMIT_MS,
  );
});
