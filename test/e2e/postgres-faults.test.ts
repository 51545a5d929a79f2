import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { join } from "node:path";
import { type GatewayProcess, gatewayFolder, removeFolder, startGateway } from "../gateway.js";
import { canMount, SmallDisk } from "../privileges.js";
import { describePermitted, describeWith } from "../service.js";
import { OwnPostgres, postgresPrograms, serverUser, sql } from "../stores/postgres/server.js";
import { StoreClient } from "./store-client.js";

const LIMIT_MS = 120_000;
const MEBIBYTE = 1_024 * 1_024;
const REFUSED = { code: "UNAVAILABLE", retryAfterMs: expect.any(Number) };
const VERDICTS = ["VALID", "VALID", "VALID"];

describeWith("a PostgreSQL of its own", postgresPrograms() !== undefined, () => {
  const folder = gatewayFolder();
  const gateways: GatewayProcess[] = [];
  let server: OwnPostgres;
  beforeAll(async () => {
    server = await OwnPostgres.start();
  }, LIMIT_MS);
  afterAll(async () => {
    await stopGateways();
    await server.close();
    removeFolder(folder);
  });

  async function stopGateways(): Promise<void> {
    await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
  }

  /** A client of a gateway of its own. */
  async function clientOf(store: string): Promise<StoreClient> {
    const gateway = await startGateway({ folder, env: { AUDITQL_STORE: store } });
    gateways.push(gateway);
    return new StoreClient(gateway.url);
  }

  const entriesIn = async (database: string): Promise<unknown> =>
    (await sql(database, "SELECT count(*)::integer, max(leaf_index)::integer + 1 AS next FROM auditql.entries"))[0];

  /** What a gateway does whose log of 100 entries can be read alone. */
  async function expectReadOnly(client: StoreClient): Promise<void> {
    expect(await client.logBulk()).toMatchObject(REFUSED);
    expect(await client.logBulkAsync()).toMatchObject(REFUSED);
    expect(await client.search()).toBe(100);
    expect(await client.read()).toEqual({ treeSize: 100, paged: 20, verdicts: VERDICTS });
  }

  /** What it does when the log can be written again. */
  async function expectResumed(client: StoreClient, database: string): Promise<void> {
    await client.logUntilTaken();
    expect(client.size).toBe(200);
    expect(await client.search()).toBe(200);
    expect(await entriesIn(database)).toEqual({ count: 200, next: 200 });
  }

  test(
    "a gateway whose database became read-only refuses with a hint, is read, and resumes by itself",
    async () => {
      const database = await server.newDatabase();
      const client = await clientOf(database);
      await client.logBulk();
      expect(await client.search()).toBe(100);
      await readOnly("on");
      try {
        await expectReadOnly(client);
      } finally {
        await readOnly("off");
      }
      await expectResumed(client, database);
    },
    LIMIT_MS,
  );

  /** For running sessions too. */
  async function readOnly(value: "on" | "off"): Promise<void> {
    const { url } = server;
    await sql(url, `ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await sql(url, "SELECT pg_reload_conf()");
  }

  test(
    "a gateway on a standby is read, refuses with a hint, and writes by itself when the standby is promoted",
    async () => {
      const database = await server.newDatabase();
      const primary = await clientOf(database);
      await primary.logBulk();
      expect(await primary.search()).toBe(100);
      const standby = await server.standby();
      try {
        const copy = onPort(database, standby.url);
        const client = await clientOf(copy);
        await expectReadOnly(client);
        await sql(standby.url, "SELECT pg_promote()");
        await expectResumed(client, copy);
      } finally {
        await stopGateways();
        await standby.close();
      }
    },
    LIMIT_MS,
  );

  describePermitted("mount a file system", canMount(), () => {
    const nobody = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    let disk: SmallDisk;
    let own: OwnPostgres;
    beforeEach(() => {
      disk = SmallDisk.mount(32 * MEBIBYTE, serverUser() ?? nobody);
    });
    afterEach(async () => {
      await stopGateways();
      await own.close();
      disk.unmount();
    });

    test(
      "a gateway whose tables are on a full disk refuses with a hint, is read, and resumes by itself when there is room",
      async () => {
        own = await OwnPostgres.start();
        const database = await own.newDatabaseAt(disk.path);
        const client = await clientOf(database);
        await client.logBulk();
        expect(await client.search()).toBe(100);
        expect(await client.logUntilRefused()).toMatchObject(REFUSED);
        const full = client.size;
        expect(await client.logBulkAsync()).toMatchObject(REFUSED);
        expect(await client.logBulk()).toMatchObject(REFUSED);
        expect(await client.read()).toEqual({ treeSize: full, paged: 20, verdicts: VERDICTS });
        disk.resize(256 * MEBIBYTE);
        await client.logUntilTaken();
        expect(client.size).toBe(full + 100);
        expect(await client.search()).toBe(client.size);
        expect(await entriesIn(database)).toEqual({ count: client.size, next: client.size });
      },
      LIMIT_MS,
    );

    test(
      "a gateway whose server ends because its journal's disk is full refuses, and resumes by itself when it is started again",
      async () => {
        disk.resize(112 * MEBIBYTE);
        own = await OwnPostgres.start(join(disk.path, "data"));
        const database = await own.newDatabase();
        const client = await clientOf(database);
        expect(await client.logUntilRefused()).toMatchObject(REFUSED);
        const full = client.size;
        expect(await client.logBulkAsync()).toMatchObject(REFUSED);
        await own.stop("immediate");
        disk.resize(512 * MEBIBYTE);
        await own.startAgain();
        await client.logUntilTaken();
        expect(client.size).toBe(full + 100);
        expect(await entriesIn(database)).toEqual({ count: client.size, next: client.size });
      },
      LIMIT_MS,
    );
  });
});

/** The database of the same name on another server. */
function onPort(database: string, server: string): string {
  const url = new URL(database);
  url.port = new URL(server).port;
  return url.href;
}
