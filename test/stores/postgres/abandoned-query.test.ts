import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { setImmediate as others, setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../../src/stores/postgres/database.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import type { Statement } from "../../../src/stores/postgres/transaction.js";
import { describeWith, findProgram } from "../../service.js";
import { OwnPostgres, postgresPrograms } from "./server.js";
import { openSessions, untilRunning } from "./sessions.js";
import { WatchedNetwork } from "./watched-network.js";

const PID: Statement<{ readonly pid: number }> = { name: "pid", text: "SELECT pg_backend_pid() AS pid" };
const SLEEP: Statement<object> = { name: "sleep", text: "SELECT pg_sleep($1)" };
const TLS: Statement<{ readonly ssl: boolean }> = {
  name: "tls",
  text: "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
};
const SLEEPING = "SELECT pg_sleep%";
const ROUNDS = 5;
const gone = new Error("gone");

describeWith("a PostgreSQL of its own", postgresPrograms() !== undefined, () => {
  let server: OwnPostgres;
  let url: string;
  let database: Database;
  let caller: AbortController;
  beforeAll(async () => {
    server = await OwnPostgres.start();
  });
  beforeEach(async () => {
    url = await server.newDatabase();
    caller = new AbortController();
    database = await openDatabase({ url, maxConnections: 1 });
  });
  afterEach(async () => {
    await database.close();
  });
  afterAll(async () => {
    await server.close();
  });

  const pid = async (): Promise<number | undefined> => (await database.rows(PID, []))[0]?.pid;

  /** Begins to sleep for ten seconds, leaves when the server is asleep, and comes back when it is not any more. */
  async function leaveInTheMiddle(): Promise<void> {
    const asleep = expect(database.rows(SLEEP, [10], caller.signal)).rejects.toBe(gone);
    await untilRunning(url, SLEEPING, { count: 1 });
    caller.abort(gone);
    await asleep;
    await untilRunning(url, SLEEPING, { count: 0, timeoutMs: 3_000 });
  }

  test("a statement that nobody waits for is cancelled on the server, and its connection is not used again", async () => {
    const before = await pid();
    await leaveInTheMiddle();
    expect(await pid()).not.toBe(before);
  });

  test("a connection is kept if its statement ends by itself within moments", async () => {
    const pids = new Set<number | undefined>();
    for (let round = 0; round < ROUNDS; round++) {
      pids.add(await pid());
      const leaving = new AbortController();
      const asked = expect(database.rows(SLEEP, [0.02], leaving.signal)).rejects.toBe(gone);
      await others();
      leaving.abort(gone);
      await asked;
    }
    // Not every one has to: on a busy machine moments may be long.
    expect(pids.size).toBeLessThan(ROUNDS);
  });

  test("for a statement that nobody wants no connection is opened", async () => {
    await expect(database.rows(SLEEP, [10], AbortSignal.abort(gone))).rejects.toBe(gone);
    await sleep(50);
    expect(await openSessions(url)).toBe(0);
    expect(await pid()).toEqual(expect.any(Number));
    expect(await openSessions(url)).toBe(1);
  });

  test("who waits for a connection leaves the queue at once, and nothing is begun for him", async () => {
    const before = await pid();
    const busy = database.rows(SLEEP, [0.3]);
    const waiting = expect(database.rows(SLEEP, [10], caller.signal)).rejects.toBe(gone);
    const behind = pid();
    await sleep(20);
    caller.abort(gone);
    await waiting;
    expect(await Promise.race([busy, sleep(0, "still busy")])).toBe("still busy");
    await busy;
    expect(await behind).toBe(before);
  });

  test("a statement that fails before its caller leaves says why", async () => {
    const failing: Statement<object> = { name: "", text: "SELECT 1 / 0" };
    await expect(database.rows(failing, [], caller.signal)).rejects.toThrow("division by zero");
    expect(await pid()).toEqual(expect.any(Number));
  });

  describe("a statement that nobody waits for, over a network", () => {
    let network: WatchedNetwork;
    beforeEach(async () => {
      network = await WatchedNetwork.start(url);
    });
    afterEach(() => {
      network.close();
    });

    async function reopen(parameters = "", statementTimeoutMs = 15_000): Promise<void> {
      await database.close();
      database = await openDatabase({ url: `${network.url}${parameters}`, maxConnections: 1, statementTimeoutMs });
    }

    test("ends with its time when the server cannot be told", async () => {
      await reopen("", 500);
      const asleep = expect(database.rows(SLEEP, [10], caller.signal)).rejects.toBe(gone);
      await untilRunning(url, SLEEPING, { count: 1 });
      network.refuse();
      caller.abort(gone);
      await asleep;
      await untilRunning(url, SLEEPING, { count: 0 });
      await network.accept();
      expect(await pid()).toEqual(expect.any(Number));
    });

    test("is cancelled by one request, and nothing else is sent", async () => {
      await reopen();
      network.beginnings.splice(0);
      await leaveInTheMiddle();
      expect(network.beginnings).toEqual(["session", "cancel request"]);
    });

    describeWith("openssl", findProgram("openssl") !== undefined, () => {
      test("is cancelled over TLS where its connection has that", async () => {
        await server.enableTls();
        await reopen("?sslmode=no-verify");
        expect(await database.rows(TLS, [])).toEqual([{ ssl: true }]);
        network.beginnings.splice(0);
        await leaveInTheMiddle();
        expect(network.beginnings).toEqual(["TLS request"]);
      });
    });
  });
});
