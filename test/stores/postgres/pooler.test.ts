import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Database } from "../../../src/stores/postgres/database.js";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openDatabase, openPostgres } from "../../../src/stores/postgres/open.js";
import type { Statement } from "../../../src/stores/postgres/transaction.js";
import { describeWith } from "../../service.js";
import { answering, batch, emptyHead, entry, requestReceipt } from "../batches.js";
import { logStoreContract } from "../log-store-contract.js";
import { logged } from "../search-events.js";
import { Pgbouncer, pgbouncerProgram, type PgbouncerSettings } from "./pgbouncer.js";
import { OwnPostgres, postgresPrograms, sql } from "./server.js";
import { untilRunning } from "./sessions.js";
import { CarefulWriter, textsOf } from "./writer.js";
import { KEYRING } from "../../keyring.js";

const DROPS_ALL = "options,statement_timeout,idle_in_transaction_session_timeout";
const LEAVING = new Error("nobody waits any more");
const SLEEP: Statement<object> = { name: "sleep", text: "SELECT pg_sleep($1)" };
const PID: Statement<{ readonly pid: number }> = { name: "pid", text: "SELECT pg_backend_pid() AS pid" };

/** Notes under which settings each row was written that somebody is told is durable. */
const NOTE_SETTINGS = `
  CREATE TABLE public.seen (relation text, "commit" text, statement text, idle text);
  CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.seen VALUES (TG_TABLE_NAME, current_setting('synchronous_commit'),
      current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'));
    RETURN NULL;
  END $$;
  CREATE TRIGGER noted AFTER INSERT OR UPDATE ON auditql.heads FOR EACH STATEMENT EXECUTE FUNCTION public.note();
  CREATE TRIGGER noted AFTER INSERT OR UPDATE ON auditql.entries FOR EACH STATEMENT EXECUTE FUNCTION public.note();
  CREATE TRIGGER noted AFTER INSERT OR UPDATE ON auditql.receipts FOR EACH STATEMENT EXECUTE FUNCTION public.note()`;

const SEEN = `SELECT DISTINCT relation, "commit", statement, idle FROM public.seen ORDER BY relation`;

const seenWith = (commit: string): readonly unknown[] =>
  ["entries", "heads", "receipts"].map((relation) => ({ relation, commit, statement: "15s", idle: "5s" }));

describeWith("a PostgreSQL of its own", postgresPrograms() !== undefined, () => {
  let server: OwnPostgres;
  let direct: string;
  const databases: Database[] = [];
  beforeAll(async () => {
    server = await OwnPostgres.start();
  });
  beforeEach(async () => {
    direct = await server.newDatabase();
  });
  afterEach(async () => {
    await Promise.all(databases.splice(0).map(async (database) => database.close()));
  });
  afterAll(async () => {
    await server.close();
  });

  async function open(url: string, settings = {}): Promise<Database> {
    const database = await openDatabase({ url, ...settings });
    databases.push(database);
    return database;
  }

  /** For sessions that begin from now on. */
  const setDefault = async (setting: string): Promise<void> => {
    await sql(server.url, `ALTER DATABASE "${new URL(direct).pathname.slice(1)}" SET ${setting}`);
  };

  /** Writes whatever is acknowledged, in each of the ways that it is written. */
  async function writeEverything(database: Database): Promise<void> {
    const store = new PostgresLogStore(database);
    await store.createLog(emptyHead("default"));
    await store.append(answering([requestReceipt("a", 0)], batch("default", 0, [entry("a"), entry("b")])));
    expect(await store.append(batch("default", 9, [entry("a conflict")]))).toEqual({ kind: "conflict" });
    expect(await store.append(batch("default", 2, [entry("c")]))).toEqual({ kind: "appended" });
    const long = ["d", "e", "f"].map((letter) => entry(letter.repeat(3_000_000)));
    expect(await store.append(batch("default", 3, long))).toEqual({ kind: "appended" });
    await store.keepReceipts("default", [requestReceipt("b", 4)]);
  }

  describe("whatever is acknowledged is committed durably, and in bounded time,", () => {
    test.each([
      { what: "though the database's default says otherwise", setting: "synchronous_commit = off" },
      {
        what: "though the URL says otherwise",
        setting: "synchronous_commit = on",
        parameters: "?options=-c%20synchronous_commit%3Dlocal",
      },
      {
        what: "and applied by replicas where that is the default",
        setting: "synchronous_commit = remote_apply",
        commit: "remote_apply",
      },
    ])("$what", async ({ setting, parameters = "", commit = "on" }) => {
      await setDefault(setting);
      const database = await open(`${direct}${parameters}`);
      await sql(direct, NOTE_SETTINGS);
      await writeEverything(database);
      expect(await sql(direct, SEEN)).toEqual(seenWith(commit));
    });
  });

  describeWith("pgbouncer", pgbouncerProgram() !== undefined, () => {
    let pooler: Pgbouncer | undefined;
    afterEach(async () => {
      await pooler?.close();
      pooler = undefined;
    });

    async function startPooler(settings: PgbouncerSettings): Promise<string> {
      pooler = await Pgbouncer.start(server.url, settings);
      return pooler.before(direct);
    }

    describe.each<PgbouncerSettings>([
      { mode: "session" },
      { mode: "transaction" },
      { mode: "session", ignored: DROPS_ALL },
      { mode: "transaction", ignored: DROPS_ALL },
    ])("in $mode mode, dropping these startup parameters: $ignored", (settings) => {
      test("what is acknowledged is committed durably, and in bounded time, though the default is otherwise", async () => {
        await setDefault("synchronous_commit = off");
        const database = await open(await startPooler(settings));
        await sql(direct, NOTE_SETTINGS);
        await writeEverything(database);
        expect(await sql(direct, SEEN)).toEqual(seenWith("on"));
      });

      test("gateways that write and search at once lose nothing, and leave no settings to others", async () => {
        const url = await startPooler(settings);
        const stores = await Promise.all(
          Array.from({ length: 3 }, async () => indexed(await openPostgres({ url }), KEYRING)),
        );
        try {
          const [first] = stores;
          await first?.log.createLog(emptyHead("default"));
          const writers = stores.map(({ log }) => new CarefulWriter(log, "default"));
          const text = (writer: number, entryOf: number): string =>
            logged({ message: `entry n${writer}x${entryOf}` }, 0).canonical;
          await Promise.all(
            writers.map(async (writer, place) => {
              for (let written = 0; written < 10; written++) await writer.write(text(place, written));
            }),
          );
          const texts = await textsOf(stores[1]?.log ?? missing(), "default");
          expect(new Set(texts).size).toBe(30);
          expect(texts).toHaveLength(30);
          const [other] = await sql(url, "SELECT current_setting('statement_timeout') AS timeout");
          if (settings.mode === "transaction") expect(other).toEqual({ timeout: "0" });
        } finally {
          for (const { index, log } of stores) {
            await index.close();
            await log.close();
          }
        }
      });
    });

    test("in transaction mode a statement that nobody waits for is cancelled, and no other", async () => {
      const database = await open(await startPooler({ mode: "transaction" }), { maxConnections: 2 });
      const caller = new AbortController();
      const other = database.rows(SLEEP, [1]);
      const asleep = expect(database.rows(SLEEP, [30], caller.signal)).rejects.toBe(LEAVING);
      await untilRunning(direct, "SELECT pg_sleep%", { count: 2 });
      caller.abort(LEAVING);
      await asleep;
      await other;
      await untilRunning(direct, "SELECT pg_sleep%", { count: 0 });
      expect(await database.rows(PID, [])).toEqual([{ pid: expect.any(Number) }]);
    });

    test("in transaction mode a statement ends after its time", async () => {
      const database = await open(await startPooler({ mode: "transaction" }), { statementTimeoutMs: 300 });
      await expect(database.rows(SLEEP, [30])).rejects.toMatchObject({
        code: "UNAVAILABLE",
        passing: "SQLSTATE 57014",
      });
    });

    test("in statement mode is refused in one sentence that says what to set", async () => {
      await expect(open(await startPooler({ mode: "statement" }))).rejects.toMatchObject({
        code: "UNAVAILABLE",
        passing: undefined,
        message:
          "the pooler in front of the database does not keep a transaction and its settings together: use pool_mode=transaction or pool_mode=session",
      });
    });

    test("that refuses a parameter of the URL is told to the operator in its own words, and not waited for", async () => {
      const url = await startPooler({ mode: "transaction" });
      await expect(open(`${url}?options=-c%20work_mem%3D8MB`)).rejects.toMatchObject({
        passing: undefined,
        message: "the database cannot be opened: unsupported startup parameter: options (SQLSTATE 08P01)",
      });
    });

    describe("in transaction mode", () => {
      let transactions: Pgbouncer;
      let url: string;
      beforeAll(async () => {
        transactions = await Pgbouncer.start(server.url, { mode: "transaction" });
      });
      afterAll(async () => {
        await transactions.close();
      });

      logStoreContract("postgres behind transaction pooling", {
        open: async () => {
          url = transactions.before(await server.newDatabase());
          return new PostgresLogStore(await openDatabase({ url }));
        },
        reopen: async (store) => {
          await store.close();
          return new PostgresLogStore(await openDatabase({ url }));
        },
        deleteHead: async (log) => {
          await sql(url, "DELETE FROM auditql.heads WHERE log = $1", [log]);
        },
      });
    });
  });
});

function missing(): never {
  throw new Error("the store was not opened");
}
