import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { DATABASE_DEFAULTS } from "../../../src/stores/postgres/database.js";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { NEWEST_FIRST } from "../../../src/query/order.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openDatabase, openPostgres } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { batch, emptyHead, entry } from "../batches.js";
import { logged } from "../search-events.js";
import { OwnPostgres, postgresPrograms, sql } from "./server.js";
import { WatchedNetwork } from "./watched-network.js";
import { CarefulWriter, textsOf, untilAvailable } from "./writer.js";
import { KEYRING } from "../../keyring.js";

const UNAVAILABLE = { name: "AuditError", code: "UNAVAILABLE", retryAfterMs: expect.any(Number) };
const STATEMENT_TIMEOUT_MS = 2_000;

describeWith("a PostgreSQL of its own", postgresPrograms() !== undefined, () => {
  let server: OwnPostgres;
  let url: string;
  let store: PostgresLogStore;
  beforeAll(async () => {
    server = await OwnPostgres.start();
  });
  beforeEach(async () => {
    url = await server.newDatabase();
    store = new PostgresLogStore(await openDatabase({ url, statementTimeoutMs: STATEMENT_TIMEOUT_MS }));
    await store.createLog(emptyHead("default"));
  });
  afterEach(async () => {
    await store.close();
  });
  afterAll(async () => {
    await server.close();
  });

  /** Runs `during` while another session holds the head's row; `release` lets it go. */
  async function withHeadLocked(during: (release: () => Promise<void>) => Promise<void>): Promise<void> {
    const rival = new pg.Client({ connectionString: url });
    await rival.connect();
    try {
      await rival.query("BEGIN; SELECT 1 FROM auditql.heads FOR UPDATE");
      await during(async () => {
        await rival.query("COMMIT");
      });
    } finally {
      await rival.end();
    }
  }

  async function waitingBackend(): Promise<unknown> {
    const waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    for (;;) {
      const [row] = await sql(url, waiting);
      if (row !== undefined) return row;
      await sleep(10);
    }
  }

  const terminate = async (): Promise<void> => {
    const { pid } = (await waitingBackend()) as { readonly pid: number };
    await sql(url, "SELECT pg_terminate_backend($1)", [pid]);
  };

  describe("a session killed in the middle of an append", () => {
    test.each(["by swap", "behind the lock"])("%s leaves nothing of it and the next one works", async (how) => {
      if (how === "behind the lock") await store.append(batch("default", 9, [entry("a conflict")]));
      await withHeadLocked(async (release) => {
        const append = expect(store.append(batch("default", 0, [entry("a")]))).rejects.toMatchObject(UNAVAILABLE);
        await terminate();
        await append;
        await release();
      });
      expect(await textsOf(store, "default")).toEqual([]);
      expect(await store.append(batch("default", 0, [entry("b")]))).toEqual({ kind: "appended" });
    });
  });

  describe("an append that waits too long for the head", () => {
    test("is UNAVAILABLE after the statement's time, and works when the head is free", async () => {
      await withHeadLocked(async () => {
        const started = Date.now();
        await expect(store.append(batch("default", 0, [entry("a")]))).rejects.toMatchObject(UNAVAILABLE);
        expect(Date.now() - started).toBeLessThan(DATABASE_DEFAULTS.statementTimeoutMs);
      });
      expect(await store.append(batch("default", 0, [entry("b")]))).toEqual({ kind: "appended" });
    });
  });

  describe("a stopped server", () => {
    afterEach(async () => {
      await server.stop();
      await server.startAgain();
    });

    test.each(["fast", "immediate"] as const)("(%s) is UNAVAILABLE at once and works again by itself", async (mode) => {
      await store.append(batch("default", 0, [entry("a")]));
      await server.stop(mode);
      const started = Date.now();
      await expect(store.head("default")).rejects.toMatchObject(UNAVAILABLE);
      await expect(store.append(batch("default", 1, [entry("b")]))).rejects.toMatchObject(UNAVAILABLE);
      const opening = openDatabase({ url });
      await expect(opening).rejects.toMatchObject(UNAVAILABLE);
      await expect(opening).rejects.toThrow(/^the database cannot be opened: connect ECONNREFUSED/);
      expect(Date.now() - started).toBeLessThan(DATABASE_DEFAULTS.connectTimeoutMs);
      await server.startAgain();
      const writer = new CarefulWriter(store, "default");
      await writer.write("b");
      expect(await textsOf(store, "default")).toEqual(["a", "b"]);
    });

    test("loses and doubles nothing when it crashes again and again under four writers", async () => {
      const writers = Array.from({ length: 4 }, () => new CarefulWriter(store, "default"));
      let crashing = true;
      const writing = writers.map(async (writer, place) => {
        for (let i = 0; crashing || i < 10; i++) await writer.write(`${place} ${i}`);
      });
      for (let crash = 0; crash < 3; crash++) {
        await sleep(150);
        await server.stop("immediate");
        await server.startAgain();
        await untilAvailable(async () => store.heads());
      }
      crashing = false;
      await Promise.all(writing);
      const texts = await textsOf(store, "default");
      const acknowledged = new Map(writers.flatMap((writer) => [...writer.acknowledged]));
      expect(new Map(texts.map((text, leafIndex) => [text, leafIndex]))).toEqual(acknowledged);
      expect(texts).toHaveLength(acknowledged.size);
      expect(writers.reduce((sum, writer) => sum + writer.unknownOutcomes, 0)).toBeGreaterThan(0);
    });
  });

  describe("a server that crashes while the index is built", () => {
    test("leaves an index that goes on by itself and misses nothing", async () => {
      const { log, index } = indexed(await openPostgres({ url }), KEYRING);
      const entries = Array.from({ length: 9_000 }, (_, place) => logged({ message: `entry n${place}` }, place));
      await log.append(batch("default", 0, entries));
      await server.stop("immediate");
      const filter = { kind: "phrase", field: "message", words: ["entry"], prefix: false } as const;
      const query = { log: "default", filter, range: { start: 0, end: 9_000 }, order: NEWEST_FIRST } as const;
      await expect(index.count(query, Infinity)).rejects.toMatchObject(UNAVAILABLE);
      await server.startAgain();
      expect(await untilAvailable(async () => index.count(query, Infinity))).toBe(9_000);
      while ((await index.indexedSize("default")) < 8_192) await sleep(50);
      expect(await index.count(query, Infinity)).toBe(9_000);
      await index.close();
      await log.close();
    });
  });

  describe("a database that became read-only", () => {
    /** For sessions that begin from now on; those that are open stay what they are. */
    const setReadOnly = async (value: "on" | "off"): Promise<void> => {
      await sql(
        server.url,
        `ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET default_transaction_read_only = ${value}`,
      );
    };

    const terminateAll = async (): Promise<void> => {
      const others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
      await sql(server.url, others, [new URL(url).pathname.slice(1)]);
    };

    test("refuses appends as UNAVAILABLE and goes on answering reads", async () => {
      await store.append(batch("default", 0, [entry("a")]));
      await setReadOnly("on");
      const reader = new PostgresLogStore(await openDatabase({ url }));
      await expect(reader.append(batch("default", 1, [entry("b")]))).rejects.toMatchObject(UNAVAILABLE);
      expect(await textsOf(reader, "default")).toEqual(["a"]);
      await reader.close();
    });

    test.each(["by swap", "behind the lock"])(
      "takes appends %s when it may be written again, though the session that was refused is still open",
      async (how) => {
        const writer = new PostgresLogStore(await openDatabase({ url }));
        try {
          if (how === "behind the lock") await writer.append(batch("default", 9, [entry("a conflict")]));
          await setReadOnly("on");
          await terminateAll();
          for (let refusals = 0; refusals < 3; refusals++)
            await expect(writer.append(batch("default", 0, [entry("a")]))).rejects.toMatchObject(UNAVAILABLE);
          await setReadOnly("off");
          expect(await writer.append(batch("default", 0, [entry("a")]))).toEqual({ kind: "appended" });
        } finally {
          await writer.close();
        }
      },
    );
  });

  describe("a role that may not write", () => {
    test("is refused appends as UNAVAILABLE, reads, and writes when it may", async () => {
      await store.append(batch("default", 0, [entry("a")]));
      await sql(url, "CREATE ROLE reader LOGIN");
      await sql(url, "GRANT USAGE ON SCHEMA auditql TO reader");
      await sql(url, "GRANT SELECT ON ALL TABLES IN SCHEMA auditql TO reader");
      const reader = new PostgresLogStore(await openDatabase({ url: url.replace("//auditql@", "//reader@") }));
      expect(await reader.createLog(emptyHead("default"))).toMatchObject({ size: 1 });
      await expect(reader.append(batch("default", 1, [entry("b")]))).rejects.toMatchObject(UNAVAILABLE);
      expect(await textsOf(reader, "default")).toEqual(["a"]);
      await sql(url, "GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA auditql TO reader");
      expect(await reader.append(batch("default", 1, [entry("b")]))).toEqual({ kind: "appended" });
      await reader.close();
    });
  });

  describe("a server that accepts and never answers", () => {
    test("is UNAVAILABLE within the time to connect", async () => {
      const silent = createServer().listen(0, "127.0.0.1");
      await once(silent, "listening");
      const address = silent.address();
      const port = typeof address === "object" ? (address?.port ?? 0) : 0;
      const started = Date.now();
      const opening = openDatabase({ url: `postgres://auditql@127.0.0.1:${port}/x`, connectTimeoutMs: 300 });
      await expect(opening).rejects.toMatchObject(UNAVAILABLE);
      expect(Date.now() - started).toBeLessThan(DATABASE_DEFAULTS.connectTimeoutMs);
      silent.close();
    });

    test.each(["one host", "two hosts"])("is left when it falls silent while it is checked: %s", async (hosts) => {
      const network = await WatchedNetwork.start(url);
      try {
        network.held = new Promise(() => undefined);
        const settings = { url: hosts === "one host" ? network.url : twice(network.url), connectTimeoutMs: 300 };
        await expect(openDatabase(settings)).rejects.toMatchObject(UNAVAILABLE);
        while (network.sockets > 0) await sleep(10);
      } finally {
        network.close();
      }
    });
  });
});

/** The same host as two of a list. */
function twice(url: string): string {
  const { host } = new URL(url);
  return url.replace(host, `${host},${host}`);
}
