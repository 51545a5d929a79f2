import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Database, DATABASE_DEFAULTS } from "../../../src/stores/postgres/database.js";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import type { Statement } from "../../../src/stores/postgres/transaction.js";
import { closedGate } from "../../engine/test-log.js";
import { describeWith } from "../../service.js";
import { batch, emptyHead, entry } from "../batches.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "./server.js";
import { WatchedNetwork } from "./watched-network.js";
import { CarefulWriter, textsOf } from "./writer.js";

const WRITERS = ["one", "two", "three", "four"];
const ENTRIES_EACH = 40;
const PID: Statement<{ readonly pid: number }> = { name: "pid", text: "SELECT pg_backend_pid() AS pid" };

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let url: string;
  let stores: readonly PostgresLogStore[];
  beforeAll(async () => {
    server = await somePostgres();
  });
  beforeEach(async () => {
    url = await server.newDatabase();
    await (await openDatabase({ url })).close();
  });
  afterEach(async () => {
    await Promise.all(stores.map(async (store) => store.close()));
  });
  afterAll(async () => {
    await server.close();
  });

  async function openStores(count: number): Promise<PostgresLogStore> {
    stores = await Promise.all(
      Array.from({ length: count }, async () => new PostgresLogStore(await openDatabase({ url }))),
    );
    const [first] = stores;
    if (first === undefined) throw new Error("at least one store");
    await first.createLog(emptyHead("default"));
    return first;
  }

  /** All writers at once on one log, each through a store of its own. */
  async function race(): Promise<readonly CarefulWriter[]> {
    const writers = stores.map((store) => new CarefulWriter(store, "default"));
    const work = writers.map(async (writer, place) => {
      for (let i = 0; i < ENTRIES_EACH; i++) await writer.write(`${WRITERS[place] ?? ""} ${i}`);
    });
    await Promise.all(work);
    return writers;
  }

  describe("one log shared by four gateways", () => {
    test("has every acknowledged entry at its index, once, without a gap", async () => {
      const store = await openStores(WRITERS.length);
      const writers = await race();
      const texts = await textsOf(store, "default");
      expect(texts).toHaveLength(WRITERS.length * ENTRIES_EACH);
      const acknowledged = writers.flatMap((writer) => [...writer.acknowledged]);
      expect(new Map(acknowledged)).toEqual(new Map(texts.map((text, leafIndex) => [text, leafIndex])));
      expect(writers.reduce((sum, writer) => sum + writer.conflicts, 0)).toBeGreaterThan(0);
    });

    test("tells a conflict as a conflict where the database makes every transaction serializable", async () => {
      await sql(url, `ALTER DATABASE "${databaseOf(url)}" SET default_transaction_isolation = serializable`);
      const store = await openStores(WRITERS.length);
      const writers = await race();
      expect(writers.map((writer) => writer.unknownOutcomes)).toEqual([0, 0, 0, 0]);
      expect(new Set(await textsOf(store, "default")).size).toBe(WRITERS.length * ENTRIES_EACH);
    });

    test("shows each gateway what another one wrote", async () => {
      const store = await openStores(2);
      await store.append(batch("default", 0, [entry("a")]));
      expect(await textsOf(stores[1] ?? store, "default")).toEqual(["a"]);
    });
  });

  describe("an append", () => {
    const long = (letter: string): string => letter.repeat(5_000_000);

    test("too long for one statement is atomic all the same", async () => {
      const store = await openStores(1);
      const texts = [long("a"), long("b"), "c", long("d")];
      const entries = texts.map((text) => entry(text));
      expect(await store.append(batch("default", 1, entries))).toEqual({ kind: "conflict" });
      expect(await textsOf(store, "default")).toEqual([]);
      expect(await store.append(batch("default", 0, entries))).toEqual({ kind: "appended" });
      expect((await textsOf(store, "default")).map((text) => text?.slice(0, 1))).toEqual(["a", "b", "c", "d"]);
    });
  });

  describe("a connection", () => {
    let database: Database;
    beforeEach(() => {
      stores = [];
      database = new Database({ ...DATABASE_DEFAULTS, url });
    });
    afterEach(async () => {
      await database.close();
    });

    test("waits for the disk at COMMIT even where the role's default does not", async () => {
      await sql(url, `ALTER DATABASE "${databaseOf(url)}" SET synchronous_commit = off`);
      const setting = await database.rows({ name: "setting", text: "SHOW synchronous_commit" }, []);
      expect(setting).toEqual([{ synchronous_commit: "on" }]);
    });

    test("takes what its URL sets, but for what makes it durable and bounded", async () => {
      await sql(url, `ALTER DATABASE "${databaseOf(url)}" SET synchronous_commit = off`);
      const wishes = new URL(url);
      wishes.searchParams.set("options", "-c work_mem=8MB -c synchronous_commit=off");
      wishes.searchParams.set("statement_timeout", "0");
      wishes.searchParams.set("application_name", "billing");
      const wished = new Database({ ...DATABASE_DEFAULTS, url: wishes.href });
      const names = ["work_mem", "synchronous_commit", "statement_timeout", "application_name"];
      const text = `SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`).join()}`;
      const settings = await wished.rows({ name: "settings", text }, []);
      await wished.close();
      const kept = { synchronous_commit: "on", statement_timeout: "15s" };
      expect(settings).toEqual([{ work_mem: "8MB", ...kept, application_name: "billing" }]);
    });

    test.each(["40001", "40P01"])("runs a transaction again that the server rolled back with %s", async (state) => {
      let runs = 0;
      const answer = await database.transaction(async (session) => {
        if (++runs < 3) await session.run(`DO $$ BEGIN RAISE 'a rival' USING ERRCODE = '${state}'; END $$`);
        return runs;
      });
      expect(answer).toBe(3);
    });

    test("gives up on a transaction that is rolled back for ever", async () => {
      const always = database.transaction(async (session) =>
        session.run("DO $$ BEGIN RAISE 'a rival' USING ERRCODE = '40001'; END $$"),
      );
      await expect(always).rejects.toMatchObject({ code: "UNAVAILABLE", retryAfterMs: expect.any(Number) });
    });

    test("is not lost when the one that waited for it has left before it was checked", async () => {
      const network = await WatchedNetwork.start(url);
      const single = new Database({
        ...DATABASE_DEFAULTS,
        url: network.url,
        maxConnections: 1,
        connectTimeoutMs: 1_500,
      });
      const only = await single.begin();
      const waiting = expect(single.rows(PID, [])).rejects.toMatchObject({ code: "UNAVAILABLE" });
      const [{ pid } = { pid: 0 }] = await only.rows(PID, []);
      // The next connection is made for the one that waits. Its check gets no answer before that time is over.
      const gate = closedGate();
      network.held = gate.passed;
      await sql(url, "SELECT pg_terminate_backend($1::integer)", [pid]);
      await only.rollback();
      await waiting;
      gate.open();
      expect(await single.rows(PID, [])).toHaveLength(1);
      await single.close();
      network.close();
    });

    test("is told by what it does, beside the calls that wait for one", async () => {
      const single = new Database({ ...DATABASE_DEFAULTS, url, maxConnections: 1 });
      const only = await single.begin();
      const waiting = single.rows(PID, []);
      expect(single.connections).toEqual({ used: 1, idle: 0, max: 1, waiting: 1 });
      await only.rollback();
      await waiting;
      expect(single.connections).toEqual({ used: 0, idle: 1, max: 1, waiting: 0 });
      await single.close();
    });

    test("does not hide a mistake in our SQL behind UNAVAILABLE", async () => {
      await expect(database.rows({ name: "mistake", text: "SELECT no_such_column" }, [])).rejects.toMatchObject({
        code: "42703",
      });
    });
  });

  const databaseOf = (text: string): string => new URL(text).pathname.slice(1);
});
