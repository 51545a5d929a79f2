import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.js";
import { gatewayFolder, graphqlData, graphqlRequest, MAIN, removeFolder, startGateway } from "../gateway.js";
import { describeWith } from "../service.js";
import { OwnPostgres, postgresPrograms } from "../stores/postgres/server.js";

const LIMIT_MS = 180_000;
const LOG = 'mutation { log(event: { message: "hello" }) { root { treeSize } } }';

describe("a gateway", () => {
  const folder = gatewayFolder();
  const running = new Set<ChildProcess>();
  let port = 0;
  let url = "";
  let stderr = "";
  afterEach(() => {
    for (const child of running) child.kill("SIGKILL");
  });
  afterAll(() => {
    removeFolder(folder);
  });

  /** A gateway on a port that is known before it says so. */
  async function serve(store: string): Promise<ChildProcess> {
    port = await freePort();
    url = `http://127.0.0.1:${port}`;
    stderr = "";
    const child = spawn(process.execPath, [MAIN, "serve"], {
      env: {
        ...{ PATH: process.env["PATH"], AUDITQL_PORT: String(port), AUDITQL_STORE: store },
        AUDITQL_KEY_FILE: join(folder, "auditql.key"),
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    running.add(child);
    child.once("exit", () => running.delete(child));
    return child;
  }

  async function ended(child: ChildProcess): Promise<unknown> {
    if (child.exitCode === null) await once(child, "exit");
    return child.exitCode;
  }

  const ready = async (): Promise<readonly [status: number, body: unknown]> => {
    const answer = await fetch(`${url}/readyz`);
    return [answer.status, await answer.json()];
  };

  /** Resolves when /readyz answers with the status, and what it says, where nothing was too slow to be known. */
  async function untilReady(status: number): Promise<unknown> {
    for (;;) {
      const [found, body] = await ready().catch(() => [0, undefined] as const);
      if (found === status && !JSON.stringify(body).includes("not known in time")) return body;
      await sleep(50);
    }
  }

  /** Resolves when it says for what it waits. */
  async function untilWaiting(reason: string): Promise<void> {
    for (;;) {
      const body = await untilReady(503);
      if (JSON.stringify(body).includes(reason)) return;
      await sleep(50);
    }
  }

  const lines = (pattern: RegExp): readonly string[] => stderr.split("\n").filter((line) => pattern.test(line));

  test(
    "whose database does not answer stops at once on SIGTERM, and has said what it waits for",
    async () => {
      const silent = createServer().listen(0, "127.0.0.1");
      await once(silent, "listening");
      const child = await serve(`postgres://auditql@127.0.0.1:${(silent.address() as AddressInfo).port}/x`);
      await untilWaiting("waiting for the database: timeout");
      child.kill("SIGTERM");
      expect(await ended(child)).toBe(0);
      silent.close();
    },
    LIMIT_MS,
  );

  test(
    "whose store URL cannot be used says so in one sentence and does not start",
    async () => {
      expect(await ended(await serve("postgres://u:secret@a,,b/x"))).toBe(1);
      expect(stderr).toBe("store: expected a name between the commas, got none\n");
    },
    LIMIT_MS,
  );

  describeWith("a PostgreSQL of its own", postgresPrograms() !== undefined, () => {
    let server: OwnPostgres;
    beforeAll(async () => {
      server = await OwnPostgres.start(undefined, ["fsync=off", "wal_level=replica", "max_wal_senders=4"]);
    });
    afterAll(async () => {
      await server.close();
    });

    test(
      "that starts while its database is away listens, says what it waits for, and serves when the database is there",
      async () => {
        const database = await server.newDatabase();
        await server.stop();
        const child = await serve(database);
        await untilWaiting("waiting for the database: ECONNREFUSED");
        expect(await ready()).toEqual([503, { status: "not ready", reason: "waiting for the database: ECONNREFUSED" }]);
        expect((await fetch(`${url}/healthz`)).status).toBe(200);
        expect((await graphqlRequest(url, LOG)).errors).toEqual([
          expect.objectContaining({
            extensions: expect.objectContaining({ code: "UNAVAILABLE", retryAfterMs: expect.any(Number) }),
          }),
        ]);
        await server.startAgain();
        expect(await untilReady(200)).toEqual({ status: "ready" });
        expect(await graphqlData(url, LOG)).toEqual({ log: { root: { treeSize: 1 } } });
        child.kill("SIGTERM");
        expect(await ended(child)).toBe(0);
        expect(lines(/waiting for the database: .*connect ECONNREFUSED 127\.0\.0\.1/)).toHaveLength(1);
        expect(lines(/the database is there, after/)).toHaveLength(1);
        expect(stderr).not.toContain("Stopped without waiting");
      },
      LIMIT_MS,
    );

    test(
      "does not wait for a database that nobody has made, and says so in one sentence",
      async () => {
        const nowhere = new URL(server.url);
        nowhere.pathname = "/nowhere";
        expect(await ended(await serve(nowhere.href))).toBe(1);
        expect(stderr).toBe('the database cannot be opened: database "nowhere" does not exist (SQLSTATE 3D000)\n');
      },
      LIMIT_MS,
    );

    test(
      "comes up when five start at once on an empty database",
      async () => {
        const env = { AUDITQL_STORE: await server.newDatabase(), AUDITQL_KEY_FILE: join(folder, "auditql.key") };
        const gateways = await Promise.all(Array.from({ length: 5 }, async () => startGateway({ folder, env })));
        const logged = await Promise.all(gateways.map(async (gateway) => graphqlData(gateway.url, LOG)));
        expect(logged).toHaveLength(5);
        expect(await Promise.all(gateways.map(async (gateway) => gateway.stop()))).toEqual([0, 0, 0, 0, 0]);
      },
      LIMIT_MS,
    );

    test(
      "on a standby is ready to be read, and says that it cannot write",
      async () => {
        const database = await server.newDatabase();
        const env = { AUDITQL_STORE: database, AUDITQL_KEY_FILE: join(folder, "auditql.key") };
        const writer = await startGateway({ folder, env });
        await graphqlData(writer.url, LOG);
        const standby = await server.standby();
        try {
          const replica = new URL(database);
          replica.host = new URL(standby.url).host;
          const child = await serve(replica.href);
          expect(await untilReady(200)).toEqual({
            status: "ready",
            degraded: ["writes"],
            reasons: ["the database may only be read"],
          });
          expect(await graphqlData(url, "{ root { treeSize } }")).toEqual({ root: { treeSize: 1 } });
          child.kill("SIGTERM");
          expect(await ended(child)).toBe(0);
        } finally {
          await writer.stop();
          await standby.close();
        }
      },
      LIMIT_MS,
    );
  });

  test(
    "that can show nothing of one of its logs is ready while it has another, and names the log with its reason",
    async () => {
      const own = gatewayFolder();
      const first = await startGateway({ folder: own });
      await graphqlData(first.url, LOG);
      await first.stop();
      rmSync(join(own, "auditql.key")); // the next one makes a new key, which signed nothing of what is there
      const corrupt = expect.stringMatching(/^default: LOG_CORRUPT: .+/);
      const second = await startGateway({ folder: own, env: { AUDITQL_LOGS: "default:rfc6962,other:rfc6962" } });
      url = second.url;
      expect(await untilReady(200)).toEqual({ status: "ready", degraded: ["reads", "writes"], reasons: [corrupt] });
      expect(await graphqlData(url, '{ root(log: "other") { treeSize } }')).toEqual({ root: { treeSize: 0 } });
      expect((await graphqlRequest(url, "{ entry(leafIndex: 0) { leafIndex } }")).errors).toEqual([
        expect.objectContaining({ extensions: expect.objectContaining({ code: "LOG_CORRUPT" }) }),
      ]);
      expect(await second.stop()).toBe(0);
      const third = await startGateway({ folder: own });
      url = third.url;
      expect(await untilReady(503)).toEqual({ status: "not ready", reason: expect.stringMatching(/^LOG_CORRUPT: .+/) });
      expect(await third.stop()).toBe(0);
      removeFolder(own);
    },
    LIMIT_MS,
  );
});
