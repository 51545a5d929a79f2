import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { attackEveryColumn } from "./attack-contract.js";
import { SqliteAttack } from "./sqlite-store.js";

let store: SqliteAttack;
beforeAll(async () => {
  store = await SqliteAttack.start("audit.db-index");
}, 300_000);
afterAll(() => {
  store.close();
});

test("whoever may write a SQLite index forges no answer, though entries can be hidden", async () => {
  const tables = store.tables();
  expect(tables.map(({ name }) => name)).toEqual([
    "docs",
    "identity",
    "logs",
    "search_config",
    "search_data",
    "search_idx",
  ]);
  const few = tables.map((table) => ({ ...table, attacked: table.rows.slice(-1) }));
  await attackEveryColumn(store, few, "index.");
}, 1_800_000);
