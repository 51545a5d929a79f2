import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { utf8 } from "../../src/core/bytes.js";
import { logFormat } from "../../src/core/format.js";
import type { SqliteDatabase } from "../../src/stores/sqlite/driver.js";
import { LOG_STRIDE } from "../../src/stores/sqlite/log-file.js";
import { attackEveryColumn, faultsOf } from "./attack-contract.js";
import { ATTACKED_ENTRIES } from "./mutations.js";
import { SqliteAttack } from "./sqlite-store.js";

let store: SqliteAttack;
beforeAll(async () => {
  store = await SqliteAttack.start();
}, 300_000);
afterAll(() => {
  store.close();
});

const TABLES = ["entries", "identity", "logs", "receipts", "tiles"];

async function expectNothingForged(name: string, change: (database: SqliteDatabase) => void): Promise<void> {
  const examined = await store.change(change);
  expect(examined && faultsOf(name, examined, store.right)).toEqual([]);
}

describe("whoever may write the whole of a SQLite log, without its key,", () => {
  test("finds no table that is not attacked here", () => {
    expect(store.tables().map(({ name }) => name)).toEqual(TABLES);
  });

  test.each(TABLES)(
    "forges no answer by a change of %s",
    async (name) => {
      const tables = store.tables().filter((table) => table.name === name);
      await attackEveryColumn(store, tables);
    },
    1_800_000,
  );

  test("forges no entry together with its leaf hash, and swaps no two", async () => {
    const format = logFormat("rfc6962");
    for (const leafIndex of ATTACKED_ENTRIES) {
      const id = LOG_STRIDE + leafIndex;
      await expectNothingForged(`entries: ${leafIndex} with its hash`, (database) => {
        const [row] = database.prepare("SELECT CAST(canonical AS TEXT) text FROM entries WHERE id = ?").all(id);
        const canonical = String(row?.["text"]).replace(/"message":"[^"]*"/, '"message":"nothing happened"');
        const hash = new Uint8Array(format.leafHash(utf8(canonical)));
        database.prepare("UPDATE entries SET canonical = ?, leaf_hash = ? WHERE id = ?").run(canonical, hash, id);
      });
      await expectNothingForged(`entries: ${leafIndex} swapped`, (database) => {
        for (const [from, to] of [
          [id, -1],
          [LOG_STRIDE + 7, id],
          [-1, LOG_STRIDE + 7],
        ] as const) {
          database.prepare("UPDATE entries SET id = ? WHERE id = ?").run(to, from);
        }
      });
    }
  }, 600_000);

  test.each([
    [
      "entries",
      "INSERT INTO entries SELECT id + 1, received_at, leaf_hash, canonical FROM entries WHERE id = (SELECT max(id) FROM entries)",
    ],
    [
      "receipts",
      "INSERT INTO receipts SELECT log, zeroblob(32), request_digest, first_index, entry_count, tree_size, seal FROM receipts LIMIT 1",
    ],
  ])(
    "adds no row to %s",
    async (name, sql) => {
      await expectNothingForged(`${name}: row added`, (database) => {
        database.exec(sql);
      });
    },
    600_000,
  );
});
