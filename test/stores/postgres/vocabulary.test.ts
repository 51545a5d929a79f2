import { afterAll, beforeAll, beforeEach, afterEach, expect, jest, test } from "@jest/globals";
import type { Database } from "../../../src/stores/postgres/database.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import { expansionsOf } from "../../../src/stores/postgres/vocabulary.js";
import { describeWith } from "../../service.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "./server.js";

const MOST_WORDS = 500;

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let database: Database;
  beforeAll(async () => {
    server = await somePostgres();
  });
  beforeEach(async () => {
    const url = await server.newDatabase();
    database = await openDatabase({ url });
    const words = ["log", "login", "logon", "low", "東京タワー"];
    await sql(url, "INSERT INTO auditql.words SELECT 'default', unnest($1::text[])", [words]);
    await sql(url, "INSERT INTO auditql.words VALUES ('other', 'logout')");
    const many = `INSERT INTO auditql.words SELECT 'default', $1 || n FROM generate_series(1, $2::integer) AS n`;
    await sql(url, many, ["most", MOST_WORDS]);
    await sql(url, many, ["toomany", MOST_WORDS + 1]);
  });
  afterEach(async () => {
    await database.close();
  });
  afterAll(async () => {
    await server.close();
  });

  test("the words of a log behind several prefixes are read in one statement", async () => {
    const rows = jest.spyOn(database, "rows");
    const prefixes = ["log", "lo", "東", "none", "most", "toomany", "log"];
    const expansions = await expansionsOf(database, { log: "default", prefixes });
    expect(rows).toHaveBeenCalledTimes(1);
    expect([...expansions.keys()]).toEqual(["log", "lo", "東", "none", "most"]);
    expect(expansions.get("log")).toEqual(["log", "login", "logon"]);
    expect(expansions.get("lo")).toEqual(["log", "login", "logon", "low"]);
    expect(expansions.get("東")).toEqual(["東京タワー"]);
    expect(expansions.get("none")).toEqual([]);
    expect(expansions.get("most")).toHaveLength(MOST_WORDS);
  });

  test("a search without a prefix reads none", async () => {
    const rows = jest.spyOn(database, "rows");
    expect(await expansionsOf(database, { log: "default", prefixes: [] })).toEqual(new Map());
    expect(rows).not.toHaveBeenCalled();
  });
});
