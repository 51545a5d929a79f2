import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Database, DATABASE_DEFAULTS } from "../../../src/stores/postgres/database.js";
import { migrate } from "../../../src/stores/postgres/migrate.js";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import { SCHEMA_STEPS } from "../../../src/stores/postgres/schema.js";
import { describeWith } from "../../service.js";
import { emptyHead } from "../batches.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "./server.js";

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let url: string;
  beforeAll(async () => {
    server = await somePostgres();
  });
  beforeEach(async () => {
    url = await server.newDatabase();
  });
  afterAll(async () => {
    await server.close();
  });

  describe("the schema", () => {
    const version = async (): Promise<unknown> => sql(url, "SELECT only_row, version FROM auditql.schema_version");

    test("is made once when six gateways start together on an empty database", async () => {
      const stores = await Promise.all(
        Array.from({ length: 6 }, async () => new PostgresLogStore(await openDatabase({ url }))),
      );
      await Promise.all(stores.map(async (store) => store.createLog(emptyHead("default"))));
      expect(await version()).toEqual([{ only_row: 1, version: SCHEMA_STEPS.length }]);
      expect(await stores[3]?.heads()).toEqual([emptyHead("default")]);
      await Promise.all(stores.map(async (store) => store.close()));
    });

    test("takes each new step once when six gateways are updated together", async () => {
      await withDatabase(async (database) => migrate(database, ["CREATE TABLE auditql.steps (step integer)"]));
      const steps = ["never taken again", step(2), step(3)];
      await Promise.all(
        Array.from({ length: 6 }, async () => withDatabase(async (database) => migrate(database, steps))),
      );
      expect(await sql(url, "SELECT step FROM auditql.steps ORDER BY step")).toEqual([{ step: 2 }, { step: 3 }]);
      expect(await version()).toEqual([{ only_row: 1, version: 3 }]);
    });

    test("stays as it was when a step fails", async () => {
      const steps = ["CREATE TABLE auditql.steps (step integer)", "SELECT no_such_function()"];
      await withDatabase(async (database) => {
        await expect(migrate(database, steps)).rejects.toThrow("no_such_function");
      });
      expect(await version()).toEqual([{ only_row: 1, version: 0 }]);
      expect(await sql(url, "SELECT to_regclass('auditql.steps') AS steps")).toEqual([{ steps: null }]);
    });

    test("in which bulk requests wait is refused in one sentence, and left for the program that can log them", async () => {
      const before = SCHEMA_STEPS.slice(0, 6);
      await withDatabase(async (database) => migrate(database, before));
      const row = "INSERT INTO auditql.bulks VALUES ('default', 'name', '', '\\x00', '{}', 1, 0, NULL, NULL, 2, NULL)";
      await sql(url, row);
      await expect(openDatabase({ url })).rejects.toThrow(/^the store holds bulk requests \(1\).*start that version/);
      expect(await version()).toEqual([{ only_row: 1, version: 6 }]);
      expect(await sql(url, "SELECT name FROM auditql.bulks")).toEqual([{ name: "name" }]);
      await sql(url, "UPDATE auditql.bulks SET outcome = 'ended'");
      await (await openDatabase({ url })).close();
      expect(await sql(url, "SELECT to_regclass('auditql.bulks') AS bulks")).toEqual([{ bulks: null }]);
    });

    test("of a newer program is refused in one sentence", async () => {
      await (await openDatabase({ url })).close();
      await sql(url, "UPDATE auditql.schema_version SET version = 99");
      await expect(openDatabase({ url })).rejects.toThrow(
        `the database has schema version 99 and this program knows versions up to ${SCHEMA_STEPS.length}: start the newer program that wrote it`,
      );
    });

    test("is only read when it is up to date", async () => {
      await (await openDatabase({ url })).close();
      await sql(url, `ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET default_transaction_read_only = on`);
      const store = new PostgresLogStore(await openDatabase({ url }));
      expect(await store.heads()).toEqual([]);
      await store.close();
    });
  });

  const step = (number: number): string => `INSERT INTO auditql.steps VALUES (${number})`;

  async function withDatabase(work: (database: Database) => Promise<void>): Promise<void> {
    const database = new Database({ ...DATABASE_DEFAULTS, url });
    try {
      await work(database);
    } finally {
      await database.close();
    }
  }
});
