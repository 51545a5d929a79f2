import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { describeWith } from "../service.js";
import { hasPostgres } from "../stores/postgres/server.js";
import { attackEveryColumn, faultsOf } from "./attack-contract.js";
import { PostgresAttack } from "./postgres-store.js";

/** Attacked in postgres-log.test.ts. */
const TREE = ["entries", "heads", "tiles"];
/** The search index, attacked in index-blocks.test.ts, whichever store keeps it. */
const INDEX = ["blocks", "index_turns", "segments"];
const BESIDE = ["receipts", "schema_version"];

const ADDED = {
  entries: `INSERT INTO auditql.entries SELECT log, leaf_index + 1, received_at, leaf_hash, canonical FROM auditql.entries
    ORDER BY leaf_index DESC LIMIT 1`,
  receipts: `INSERT INTO auditql.receipts SELECT log, '\\x00', request_digest, first_index, entry_count, tree_size, seal
    FROM auditql.receipts LIMIT 1`,
};

describeWith("PostgreSQL, whoever may write what stands beside its log's tree", hasPostgres(), () => {
  let store: PostgresAttack;
  beforeAll(async () => {
    store = await PostgresAttack.start();
  }, 300_000);
  afterAll(() => store.close());

  test("finds no table that is not attacked", async () => {
    expect((await store.tables()).map(({ name }) => name)).toEqual([...TREE, ...INDEX, ...BESIDE].sort());
  });

  test.each(BESIDE)(
    "forges no answer by a change of %s",
    async (name) => {
      const tables = (await store.tables()).filter((table) => table.name === name);
      await attackEveryColumn(store, tables);
    },
    1_800_000,
  );

  test.each(Object.entries(ADDED))(
    "adds no row to %s",
    async (name, sql) => {
      const examined = await store.change([{ sql, values: [] }]);
      expect(examined && faultsOf(`${name}: row added`, examined, store.right)).toEqual([]);
    },
    600_000,
  );
});
