import { afterAll, beforeAll } from "@jest/globals";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openPostgres } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { searchCancellationContract } from "../search-cancellation-contract.js";
import { hasPostgres, type PostgresServer, somePostgres } from "./server.js";
import { lockTable } from "./sessions.js";
import { KEYRING } from "../../keyring.js";

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await somePostgres();
  });
  afterAll(async () => {
    await server.close();
  });

  searchCancellationContract("postgres", async () => {
    const url = await server.newDatabase();
    return { store: indexed(await openPostgres({ url }), KEYRING), hold: () => lockTable(url, "auditql.entries") };
  });
});
