import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { NEWEST_FIRST } from "../../../src/query/order.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openPostgres } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { searchCancellationContract } from "../search-cancellation-contract.js";
import { hasPostgres, type PostgresServer, somePostgres } from "./server.js";
import { lockTable, untilRunning } from "./sessions.js";

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await somePostgres();
  });
  afterAll(async () => {
    await server.close();
  });

  test("a search given up while it looks for the words of a prefix ends there", async () => {
    const url = await server.newDatabase();
    const { index, log } = indexed(await openPostgres({ url }));
    const unlock = await lockTable(url, "auditql.words");
    const caller = new AbortController();
    const filter = { kind: "phrase", field: undefined, words: ["a"], prefix: true } as const;
    const query = { log: "default", filter, range: { start: 0, end: 1 }, order: NEWEST_FIRST };
    const stopped = expect(index.page(query, { limit: 1 }, caller.signal)).rejects.toThrow("gone");
    await untilRunning(url, "%FROM auditql.words%", { count: 1 });
    caller.abort(new Error("gone"));
    await stopped;
    await untilRunning(url, "%FROM auditql.words%", { count: 0 });
    await unlock();
    await index.close();
    await log.close();
  });

  searchCancellationContract("postgres", async () => {
    const url = await server.newDatabase();
    return { store: indexed(await openPostgres({ url })), hold: () => lockTable(url, "auditql.docs") };
  });
});
