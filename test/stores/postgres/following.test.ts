import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { IndexedStore } from "../../../src/audit/search-index.js";
import type { Filter } from "../../../src/query/ast.js";
import { NEWEST_FIRST } from "../../../src/query/order.js";
import { Database, DATABASE_DEFAULTS } from "../../../src/stores/postgres/database.js";
import { Follower } from "../../../src/stores/postgres/follower.js";
import { prepareBatch, storeBatch } from "../../../src/stores/postgres/index-batch.js";
import { takeLease } from "../../../src/stores/postgres/lease.js";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { openDatabase, openPostgres } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { batch, emptyHead } from "../batches.js";
import { logged } from "../search-events.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "./server.js";
import { lockTable, untilRunning } from "./sessions.js";

const LOG = "default";
const SOON_MS = 5_000;
const AT_ONCE_MS = 150;

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let url: string;
  let database: Database;
  let log: PostgresLogStore;
  const opened: IndexedStore[] = [];
  beforeAll(async () => {
    server = await somePostgres();
  });
  beforeEach(async () => {
    url = await server.newDatabase();
    database = await openDatabase({ url });
    log = new PostgresLogStore(database);
    await log.createLog(emptyHead(LOG));
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await close(store);
    await database.close();
  });
  afterAll(async () => {
    await server.close();
  });

  async function gateway(): Promise<IndexedStore> {
    const store = await openPostgres({ url });
    opened.push(store);
    return store;
  }

  async function close(store: IndexedStore): Promise<void> {
    await store.index.close();
    await store.log.close();
  }

  async function append(size: number, ...messages: readonly string[]): Promise<void> {
    const entries = messages.map((message, place) => logged({ message }, size + place));
    await log.append(batch(LOG, size, entries));
  }

  const word = (text: string): Filter => ({ kind: "phrase", field: undefined, words: [text], prefix: false });

  const find = async ({ index }: IndexedStore, text: string): Promise<readonly number[]> =>
    index.page({ log: LOG, filter: word(text), range: { start: 0, end: 100 }, order: NEWEST_FIRST }, { limit: 100 });

  describe("an index shared by gateways", () => {
    test("has what was appended by a gateway that is gone", async () => {
      await append(0, "orphan");
      const other = await gateway();
      expect(await other.index.reached(LOG, 1, SOON_MS)).toBe(true);
      expect(await find(other, "orphan")).toEqual([0]);
    });

    test("is as far as the database says, which may be another one than before", async () => {
      const store = await gateway();
      await store.log.append(batch(LOG, 0, [logged({ message: "indexed" }, 0)]));
      expect(await store.index.reached(LOG, 1, SOON_MS)).toBe(true);
      // As on a backup that was made before its entries were indexed.
      await sql(url, "TRUNCATE auditql.docs, auditql.words, auditql.indexing");
      expect(await store.index.reached(LOG, 1, SOON_MS)).toBe(true);
      expect(await find(store, "indexed")).toEqual([0]);
    });

    test("shows each gateway its own entry at once, whoever indexes", async () => {
      const stores = await Promise.all([gateway(), gateway(), gateway()]);
      for (let size = 0; size < 30; size++) {
        const store = stores[size % stores.length];
        if (store === undefined) throw new Error("three stores");
        await store.log.append(batch(LOG, size, [logged({ message: `entry n${size}` }, size)]));
        expect(await store.index.reached(LOG, size + 1, SOON_MS)).toBe(true);
        expect(await find(store, `n${size}`)).toEqual([size]);
      }
    });

    test("waits for a gateway that holds the lease, and takes over when the lease has run out", async () => {
      await append(0, "waiting");
      const [, behind] = [await takeLease(database, LOG, "a gateway that stalls"), await gateway()];
      expect(await behind.index.reached(LOG, 1, AT_ONCE_MS)).toBe(false);
      await sql(url, "UPDATE auditql.indexing SET held_until = now()");
      expect(await behind.index.reached(LOG, 1, SOON_MS)).toBe(true);
    });

    test("is brought up to date in one round, however often somebody who waits looks", async () => {
      await append(0, "one");
      const statements = jest.spyOn(database, "rows");
      const rounds = (): number => statements.mock.calls.filter(([{ name }]) => name === "lease-take").length;
      const unlock = await lockTable(url, "auditql.docs");
      let indexed = (): void => undefined;
      const done = new Promise<void>((resolve) => (indexed = resolve));
      const follower = new Follower(database, (_log, size) => {
        if (size === 1) indexed();
      });
      follower.wake(LOG, "urgent");
      await untilRunning(url, "%INTO auditql.docs%", { count: 1 });
      for (let looks = 0; looks < 3; looks++) follower.hurry(LOG);
      await unlock();
      await done;
      await sleep(200); // a further round would begin
      await follower.close();
      expect(rounds()).toBe(1);
    });

    test("takes nothing from a gateway that stalled, lost its lease and wakes up again", async () => {
      await append(0, "one", "two");
      await takeLease(database, LOG, "the first");
      const stalled = await prepareBatch(database, LOG, 0);
      await sql(url, "UPDATE auditql.indexing SET held_until = now()");
      await takeLease(database, LOG, "the second");
      expect(await storeBatch(database, "the first", stalled)).toBe(false);
      expect(await sql(url, "SELECT * FROM auditql.docs")).toEqual([]);
      expect(await storeBatch(database, "the second", stalled)).toBe(true);
      expect(await storeBatch(database, "the second", stalled)).toBe(false);
      expect(await sql(url, "SELECT leaf_index::integer FROM auditql.docs")).toHaveLength(2);
    });

    test("is built again when its tables were emptied", async () => {
      await append(0, "one", "two");
      const before = await gateway();
      expect(await before.index.reached(LOG, 2, SOON_MS)).toBe(true);
      await close(opened.splice(0)[0] ?? before);
      await sql(url, "TRUNCATE auditql.docs, auditql.words, auditql.indexing");
      const after = await gateway();
      expect(await after.index.reached(LOG, 2, SOON_MS)).toBe(true);
      expect(await find(after, "two")).toEqual([1]);
    });

    test("has a batch whole or not at all", async () => {
      await append(0, "one", "two");
      await takeLease(database, LOG, "me");
      const prepared = await prepareBatch(database, LOG, 0);
      await sql(url, "ALTER TABLE auditql.docs ADD CONSTRAINT only_one CHECK (leaf_index < 1)");
      await expect(storeBatch(database, "me", prepared)).rejects.toMatchObject({ code: "23514" });
      expect(await sql(url, "SELECT size::integer FROM auditql.indexing")).toEqual([{ size: 0 }]);
      expect(await sql(url, "SELECT * FROM auditql.words")).toEqual([]);
    });

    test("serves a role that does not own the index and so cannot merge its pending terms", async () => {
      const role = `reader_${Date.now()}`;
      await sql(url, `CREATE ROLE ${role} LOGIN`);
      await sql(url, `GRANT USAGE ON SCHEMA auditql TO ${role}`);
      await sql(url, `GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA auditql TO ${role}`);
      await append(0, "one");
      const limited = new URL(url);
      limited.username = role;
      const store = await openPostgres({ url: limited.href });
      opened.push(store);
      expect(await store.index.reached(LOG, 1, SOON_MS)).toBe(true);
      expect(await find(store, "one")).toEqual([0]);
    });
  });

  test("closing ends the indexing in the middle, and the next gateway goes on from there", async () => {
    const messages = Array.from({ length: 4_500 }, (_, place) => `entry n${place}`);
    await append(0, ...messages);
    const first = await openPostgres({ url });
    await first.index.reached(LOG, 1, SOON_MS);
    await close(first);
    const second = await gateway();
    expect(await second.index.reached(LOG, messages.length, SOON_MS)).toBe(true);
    expect(await sql(url, "SELECT count(*)::integer FROM auditql.docs")).toEqual([{ count: messages.length }]);
  });

  test("tells the planner how large the index has become, before the server does by itself", async () => {
    const store = await gateway();
    for (let size = 0; size < 3_000; size += 1_000) {
      await append(size, ...Array.from({ length: 1_000 }, (_, place) => `entry n${place}`));
      expect(await store.index.reached(LOG, size + 1_000, SOON_MS)).toBe(true);
    }
    await close(opened.splice(0)[0] ?? store);
    const [known] = await sql(url, "SELECT reltuples::integer FROM pg_class WHERE oid = 'auditql.docs'::regclass");
    expect(known).toEqual({ reltuples: 2_000 });
  });

  test("a database without a server makes an index wait and not fail", async () => {
    const nowhere = new Database({ ...DATABASE_DEFAULTS, url: "postgres://auditql@127.0.0.1:1/x" });
    await expect(takeLease(nowhere, LOG, "me")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await nowhere.close();
  });
});
