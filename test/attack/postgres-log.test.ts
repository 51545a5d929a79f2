import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { utf8 } from "../../src/core/bytes.js";
import { logFormat } from "../../src/core/format.js";
import { describeWith } from "../service.js";
import { hasPostgres } from "../stores/postgres/server.js";
import { attackEveryColumn, faultsOf } from "./attack-contract.js";
import { ATTACKED_ENTRIES, type Mutation } from "./mutations.js";
import { PostgresAttack } from "./postgres-store.js";

/** What is the tree's. The tables beside it are attacked in postgres-beside.test.ts. */
const TABLES = ["entries", "heads", "tiles"];

describeWith("PostgreSQL, whoever may write the whole of its log without the key", hasPostgres(), () => {
  let store: PostgresAttack;
  beforeAll(async () => {
    store = await PostgresAttack.start();
  }, 300_000);
  afterAll(() => store.close());

  async function expectNothingForged(name: string, changes: readonly Pick<Mutation, "sql" | "values">[]) {
    const examined = await store.change(changes);
    expect(examined && faultsOf(name, examined, store.right)).toEqual([]);
  }

  test.each(TABLES)(
    "forges no answer by a change of %s",
    async (name) => {
      const tables = (await store.tables()).filter((table) => table.name === name);
      await attackEveryColumn(store, tables);
    },
    1_800_000,
  );

  test("forges no entry together with its leaf hash, and swaps no two", async () => {
    const format = logFormat("rfc6962");
    const entries = (await store.tables()).find(({ name }) => name === "entries");
    for (const leafIndex of ATTACKED_ENTRIES) {
      const row = entries?.rows.find(({ leaf_index: index }) => Number(index) === leafIndex);
      const canonical = String(row?.["canonical"]).replace(/"message":"[^"]*"/, '"message":"nothing happened"');
      const hash = Buffer.from(format.leafHash(utf8(canonical)));
      const forge = "UPDATE auditql.entries SET canonical = $1, leaf_hash = $2 WHERE leaf_index = $3";
      await expectNothingForged(`entries: ${leafIndex} with its hash`, [
        { sql: forge, values: [canonical, hash, leafIndex] },
      ]);
      const move = "UPDATE auditql.entries SET leaf_index = $1 WHERE leaf_index = $2";
      await expectNothingForged(`entries: ${leafIndex} swapped`, [
        { sql: move, values: [-1, leafIndex] },
        { sql: move, values: [leafIndex, 7] },
        { sql: move, values: [7, -1] },
      ]);
    }
  }, 600_000);
});
