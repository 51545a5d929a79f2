import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { AuditService } from "../../src/audit/service.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openPostgres } from "../../src/stores/postgres/open.js";
import { logMessages, openTestService } from "../engine/test-log.js";
import { describeWith } from "../service.js";
import { hasPostgres, type PostgresServer, somePostgres } from "../stores/postgres/server.js";
import { lockTable, untilRunning } from "../stores/postgres/sessions.js";
import { compileAtHit, testGateway, type TestGateway } from "./gateway.js";
import { KEYRING } from "../keyring.js";

/** A search reads them, too: what no segment holds yet, and whether the log is still the one that was read before. */
const ENTRIES = { table: "auditql.entries", like: "%leaf_index = ANY%" };
const SHORT_MS = 2_000;
const LONG_MS = 60_000;
/** The server would end a statement by itself, but later than that. */
const SOON = { count: 0, timeoutMs: 5_000 };

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let url: string;
  let service: AuditService;
  let gateway: TestGateway;
  let unlock: () => Promise<void>;
  beforeAll(async () => {
    server = await somePostgres();
  });
  afterAll(async () => {
    await server.close();
  });

  /** A gateway for which a table cannot be read from here on, and the id of a result from before. */
  async function openHanging(table: string, requestTimeoutMs: number): Promise<string> {
    gateway = await testGateway(service, { compileAtHit, requestTimeoutMs });
    const { result } = await service.search({ log: "default", query: "" }, {});
    unlock = await lockTable(url, table);
    return result.id;
  }

  let closeStore: () => Promise<void>;
  beforeEach(async () => {
    url = await server.newDatabase();
    const { log: store, index } = indexed(await openPostgres({ url }), KEYRING);
    closeStore = async () => {
      await index.close();
      await store.close();
    };
    await logMessages(await openTestService({ store, index, sharedStore: true }), 5);
    service = await openTestService({ store, index, sharedStore: true }); // who logged entries has them in memory
  });
  afterEach(async () => {
    await unlock();
    await gateway.close();
    await closeStore();
  });

  // What a search reads to bring the index up to date is one read for all that wait for it, and is not ended for one of them.
  const ASKED = [
    ["further page", ENTRIES, (id: string) => `{ results(id: "${id}", last: 2) { totalCount } }`],
    ["read of entries", ENTRIES, () => "{ search { nodes { hash } } }"],
  ] as const;

  test.each(ASKED)("a %s that takes too long ends in the database, too", async (_, { table, like }, query) => {
    const id = await openHanging(table, SHORT_MS);
    const answer = gateway.error(query(id));
    await untilRunning(url, like, { count: 1 });
    expect(await answer).toMatchObject({ extensions: { code: "UNAVAILABLE" } });
    await untilRunning(url, like, SOON);
    await unlock();
    expect((await gateway.text(query(id))).errors).toBeUndefined();
  });

  test.each(ASKED)("a %s whose client goes away ends in the database, too", async (_, { table, like }, query) => {
    const id = await openHanging(table, LONG_MS);
    const client = new AbortController();
    const answer = fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: query(id) }),
      signal: client.signal,
    });
    const refused = expect(answer).rejects.toThrow();
    await untilRunning(url, like, { count: 1 });
    client.abort();
    await refused;
    await untilRunning(url, like, SOON);
  });

  test("a download that is stopped ends in the database, too", async () => {
    const id = await openHanging(ENTRIES.table, LONG_MS);
    const reader = new AbortController();
    const download = await service.download({ id, everyMatch: true });
    const pages = download.pages(reader.signal)[Symbol.asyncIterator]();
    const stopped = expect(pages.next()).rejects.toThrow("no more");
    await untilRunning(url, ENTRIES.like, { count: 1 });
    reader.abort(new Error("no more"));
    await stopped;
    await untilRunning(url, ENTRIES.like, SOON);
  });
});
