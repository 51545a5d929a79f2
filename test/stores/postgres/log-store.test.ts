import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { batch, emptyHead, entry } from "../batches.js";
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

  test("a snapshot does not show what is appended meanwhile, and may not write", async () => {
    const database = await openDatabase({ url: await server.newDatabase() });
    const store = new PostgresLogStore(database);
    await store.createLog(emptyHead("default"));
    await store.append(batch("default", 0, [entry("a")]));
    const sizes = await store.snapshot(async (reads) => {
      const before = await reads.head("default");
      await store.append(batch("default", 1, [entry("b")]));
      const [behind] = await reads.entries("default", [1]);
      return [before?.size, (await reads.head("default"))?.size, behind];
    });
    expect([sizes, (await store.head("default"))?.size]).toEqual([[1, 1, undefined], 2]);
    const writing = database.snapshot((session) => session.rows({ name: "", text: "DELETE FROM auditql.heads" }, []));
    await expect(writing).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await store.close();
  });

  test("a snapshot that the server cancels is taken again", async () => {
    const database = await openDatabase({ url: await server.newDatabase() });
    let looks = 0;
    const looked = await database.snapshot(async (session) => {
      if (++looks === 1) await session.run("DO $$ BEGIN RAISE 'a rival' USING ERRCODE = '40001'; END $$");
      return looks;
    });
    expect(looked).toBe(2);
    await database.close();
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
