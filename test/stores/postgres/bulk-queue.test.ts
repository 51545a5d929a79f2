import { afterAll, beforeAll } from "@jest/globals";
import type { BulkQueue } from "../../../src/audit/bulk-queue.js";
import { PostgresBulkQueue } from "../../../src/stores/postgres/bulk-queue.js";
import type { Database } from "../../../src/stores/postgres/database.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { bulkQueueContract } from "../bulk-queue-contract.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "./server.js";

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let url: string;
  const databases: Database[] = [];
  beforeAll(async () => {
    server = await somePostgres();
  });
  afterAll(async () => {
    await server.close();
  });

  async function open(): Promise<BulkQueue> {
    const database = await openDatabase({ url });
    databases.push(database);
    return new PostgresBulkQueue(database);
  }

  bulkQueueContract("postgres", {
    open: async () => {
      url = await server.newDatabase();
      return open();
    },
    openAgain: open,
    overwrite: async (columns) => {
      await sql(url, `UPDATE auditql.bulks SET ${columns}`);
    },
    close: async () => {
      await Promise.all(databases.splice(0).map(async (database) => database.close()));
    },
  });
});
