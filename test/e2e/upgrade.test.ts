import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadSqliteDriver } from "../../src/stores/sqlite/driver.js";
import { gatewayFolder, graphqlData, removeFolder, startGateway, type GatewayProcess } from "../gateway.js";
import { describeWith } from "../service.js";
import { hasPostgres, somePostgres, sql } from "../stores/postgres/server.js";

// Each test starts several processes, slowly on a busy machine.
jest.setTimeout(300_000);

interface Logged {
  readonly log: { readonly root: { readonly treeSize: number } };
}

async function logged({ url }: GatewayProcess): Promise<number> {
  const query = 'mutation { log(event: { message: "m" }) { root { treeSize } } }';
  return (await graphqlData<Logged>(url, query)).log.root.treeSize;
}

const refusal = async (started: Promise<GatewayProcess>): Promise<string> =>
  started.then(
    () => "it started",
    (error: unknown) => String(error),
  );

let folder: string;
beforeEach(() => {
  folder = gatewayFolder();
});
afterEach(() => {
  removeFolder(folder);
});

describe("after an upgrade that changed the store, the version before it", () => {
  test("refuses the SQLite file, changes nothing in it, and goes on from the backup", async () => {
    const path = join(folder, "audit.db");
    const backup = join(folder, "backup");
    mkdirSync(backup);
    const before = await startGateway({ folder });
    await logged(before);
    const open = await loadSqliteDriver();
    const running = open(path);
    running.exec(`VACUUM INTO '${join(backup, "audit.db")}'`);
    running.close();
    await before.stop();
    const file = open(path);
    file.exec("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)");
    file.close();
    const digest = () => createHash("sha256").update(readFileSync(path)).digest("hex");
    const newer = digest();
    expect(await refusal(startGateway({ folder }))).toMatch(/ended with 1: .*it was written by a newer AuditQL/);
    expect(digest()).toBe(newer);
    for (const end of ["", "-wal", "-shm", "-index", "-index-wal", "-index-shm"]) removeFolder(path + end);
    cpSync(join(backup, "audit.db"), path);
    const after = await startGateway({ folder });
    expect(await logged(after)).toBe(2);
    await after.stop();
  });
});

describeWith("PostgreSQL", hasPostgres(), () => {
  test("a gateway that runs while another one upgrades the schema goes on; started again, it refuses it", async () => {
    const server = await somePostgres();
    const url = await server.newDatabase();
    const env = { AUDITQL_STORE: url };
    const old = await startGateway({ folder, env });
    expect(await logged(old)).toBe(1);
    // What a step that only adds does to who does not know it.
    await sql(url, "ALTER TABLE auditql.entries ADD COLUMN added integer");
    await sql(url, "UPDATE auditql.schema_version SET version = 99");
    expect(await logged(old)).toBe(2);
    await old.stop();
    expect(await refusal(startGateway({ folder, env }))).toMatch(
      /ended with 1: .*the database has schema version 99 and this program knows versions up to \d+: start the newer program/,
    );
    await server.close();
  });
});
