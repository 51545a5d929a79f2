import { afterAll, beforeAll } from "@jest/globals";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { logStoreContract } from "../log-store-contract.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "./server.js";

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let url: string;
  beforeAll(async () => {
    server = await somePostgres();
  });
  afterAll(async () => {
    await server.close();
  });

  logStoreContract("postgres", {
    open: async () => {
      url = await server.newDatabase();
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
