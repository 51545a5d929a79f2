import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { AppendBatch, AppendOutcome } from "../../../src/audit/store.js";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { closedGate } from "../../engine/test-log.js";
import { answering, batch, emptyHead, entry, filling, requestReceipt, textsIn, tile } from "../batches.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "./server.js";
import { untilRunning } from "./sessions.js";
import { WatchedNetwork } from "./watched-network.js";
import { textsOf } from "./writer.js";

const APPENDED = { kind: "appended" };
const CONFLICT = { kind: "conflict" };
/** Long enough for any machine to come back for its turn. */
const HOLD_MS = 4_000;
const ALL = { start: 0, end: 1 };
const TURN = "SELECT size FROM auditql.heads%FOR UPDATE";
const END_TURNS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND state = 'idle in transaction'`;
const LOGS = ["a", "b", "c", "d", "e", "f", "g", "h"];

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let url: string;
  let fast: PostgresLogStore;
  let slow: PostgresLogStore;
  beforeAll(async () => {
    server = await somePostgres();
  });
  beforeEach(async () => {
    url = await server.newDatabase();
    [fast, slow] = [
      new PostgresLogStore(await openDatabase({ url })),
      new PostgresLogStore(await openDatabase({ url }), HOLD_MS),
    ];
    for (const log of LOGS) await fast.createLog(emptyHead(log));
  });
  afterEach(async () => {
    await Promise.all([fast.close(), slow.close()]);
  });
  afterAll(async () => {
    await server.close();
  });

  const one = (log: string, size: number, text: string): AppendBatch => batch(log, size, [entry(text)]);

  const append = async (store: PostgresLogStore, size: number, text: string): Promise<AppendOutcome> =>
    store.append(one("a", size, text));

  /** Another gateway in the middle of its append; what it answers commits it. */
  async function appending(size: number): Promise<() => Promise<void>> {
    const rival = new pg.Client({ connectionString: url });
    await rival.connect();
    await rival.query("BEGIN");
    await rival.query("UPDATE auditql.heads SET size = $1 WHERE log = 'a'", [size + 1]);
    const columns = "log, leaf_index, received_at, leaf_hash, canonical";
    await rival.query(`INSERT INTO auditql.entries (${columns}) VALUES ('a', $1, '', $2, 'of the rival')`, [
      size,
      new Uint8Array(32),
    ]);
    return async () => {
      await rival.query("COMMIT");
      await rival.end();
    };
  }

  describe("a gateway whose append met a conflict", () => {
    beforeEach(async () => {
      await append(fast, 0, "first");
      expect(await append(slow, 0, "too late")).toEqual(CONFLICT);
    });

    test("has its turn next, however fast the other one is", async () => {
      expect(await slow.turn("a", 0)).toBeDefined();
      const rival = append(fast, 1, "rival");
      expect(await append(slow, 1, "second")).toEqual(APPENDED);
      expect(await rival).toEqual(CONFLICT);
      expect(await textsOf(fast, "a")).toEqual(["first", "second"]);
    });

    test("learns with its turn what the log has become", async () => {
      const reads = await slow.turn("a", 0);
      expect(await reads?.head("a")).toEqual(await fast.head("a"));
      expect(await reads?.leafHashes("a", { start: 0, end: 1 })).toEqual(await fast.leafHashes("a", ALL));
      expect(await reads?.entries("a", [0])).toEqual(await fast.entries("a", [0]));
      expect(await reads?.canonicals("a", [0])).toEqual(await fast.canonicals("a", [0]));
    });

    test("may read anything else in its turn", async () => {
      await append(fast, 1, "second");
      await fast.append(filling([tile({ level: 0, index: 0 })], one("b", 0, "of another log")));
      const reads = await slow.turn("a", 1);
      expect(await reads?.head("b")).toEqual(await fast.head("b"));
      expect(await reads?.leafHashes("a", { start: 0, end: 1 })).toHaveLength(32);
      expect(await reads?.leafHashes("b", { start: 0, end: 1 })).toEqual(await fast.leafHashes("b", ALL));
      expect(textsIn(await reads?.canonicals("a", [1, 0, 2]))).toEqual(["second", "first", undefined]);
      expect(textsIn(await reads?.canonicals("b", [1, 0]))).toEqual([undefined, "of another log"]);
      expect(await reads?.tiles("b", [{ level: 0, index: 0 }])).toEqual(
        await fast.tiles("b", [{ level: 0, index: 0 }]),
      );
    });

    test("knows all of the log when nobody has written since", async () => {
      const reads = await slow.turn("a", 1);
      expect(await reads?.leafHashes("a", { start: 1, end: 1 })).toHaveLength(0);
      expect(textsIn(await reads?.canonicals("a", [0]))).toEqual(["first"]);
    });

    test("sees what was committed while it waited for its turn", async () => {
      const commit = await appending(1);
      const waiting = slow.turn("a", 1);
      await untilRunning(url, TURN, { count: 1 });
      await commit();
      const reads = await waiting;
      expect((await reads?.head("a"))?.size).toBe(2);
      expect(textsIn(await reads?.canonicals("a", [1]))).toEqual(["of the rival"]);
      expect(await reads?.leafHashes("a", { start: 1, end: 2 })).toHaveLength(32);
    });

    test("keeps its turn when it asks for it once more", async () => {
      const reads = await slow.turn("a", 0);
      expect(await slow.turn("a", 0)).toBe(reads);
      expect(await append(slow, 1, "second")).toEqual(APPENDED);
    });

    test("that comes back with a wrong size has lost its turn", async () => {
      await slow.turn("a", 0);
      expect(await append(slow, 7, "wrong")).toEqual(CONFLICT);
      expect(await append(fast, 1, "second")).toEqual(APPENDED);
    });

    test("has lost its turn, and nothing else, when its request turns out to be in the log already", async () => {
      const request = answering([requestReceipt("key", 1)], one("a", 1, "request"));
      await slow.turn("a", 0);
      expect(await slow.append(request)).toEqual(APPENDED);
      expect(await append(fast, 1, "too late")).toEqual(CONFLICT);
      await fast.turn("a", 1);
      expect(await fast.append({ ...request, expectedSize: 2 })).toEqual({ kind: "repeated" });
      expect(await append(slow, 2, "third")).toEqual(APPENDED);
      expect(await textsOf(fast, "a")).toEqual(["first", "request", "third"]);
    });

    test("that missed too much is given no turn, and holds nobody up", async () => {
      const missed = Array.from({ length: 16_385 }, (_, place) => entry(`missed ${place}`));
      await fast.append(batch("a", 1, missed));
      expect(await slow.turn("a", 1)).toBeUndefined();
      expect(await append(fast, 16_386, "next")).toEqual(APPENDED);
      expect(await slow.turn("a", 3)).toBeDefined();
    });

    test("gives its turn back when it closes", async () => {
      await slow.turn("a", 0);
      await slow.close();
      expect(await append(fast, 1, "second")).toEqual(APPENDED);
    });

    test("lets everybody read meanwhile", async () => {
      await slow.turn("a", 0);
      expect((await fast.head("a"))?.size).toBe(1);
      expect(await textsOf(slow, "a")).toEqual(["first"]);
    });

    test("is refused, with nothing stored, when its session ends in its turn", async () => {
      await slow.turn("a", 0);
      await sql(url, END_TURNS);
      await expect(append(slow, 1, "second")).rejects.toMatchObject({ code: "UNAVAILABLE" });
      expect(await append(fast, 1, "second")).toEqual(APPENDED);
    });

    test("takes its turn in one round trip, and appends in another", async () => {
      const network = await WatchedNetwork.start(url);
      const remote = new PostgresLogStore(await openDatabase({ url: network.url }), HOLD_MS);
      try {
        expect(await append(remote, 0, "too late")).toEqual(CONFLICT);
        const answers = closedGate();
        network.held = answers.passed;
        const turn = remote.turn("a", 0);
        await untilRunning(url, "%AS newest%", { count: 1, state: "idle in transaction" });
        answers.open();
        expect(await turn).toBeDefined();
        const more = closedGate();
        network.held = more.passed;
        const appended = append(remote, 1, "second");
        while ((await fast.head("a"))?.size !== 2) await sleep(5);
        more.open();
        expect(await appended).toEqual(APPENDED);
      } finally {
        await remote.close();
        network.close();
      }
    });
  });

  test("a gateway that seems to be alone takes no turns, and of a log that is not there nobody does", async () => {
    expect(await fast.turn("a", 0)).toBeUndefined();
    expect(await fast.append(one("nowhere", 0, "first"))).toEqual(CONFLICT);
    expect(await fast.turn("nowhere", 0)).toBeUndefined();
  });

  test("a gateway that does not come back in its turn holds the others up for a moment only", async () => {
    await append(slow, 0, "first");
    expect(await append(fast, 0, "too late")).toEqual(CONFLICT);
    await fast.turn("a", 0);
    const started = Date.now();
    expect(await append(slow, 1, "second")).toEqual(APPENDED);
    expect(Date.now() - started).toBeLessThan(HOLD_MS); // after 5 s the server would end the session by itself
    expect(await append(fast, 2, "third")).toEqual(APPENDED);
  });

  test("turns in more logs than there can be leave connections for reading, and every log goes on", async () => {
    for (const log of LOGS) await fast.append(one(log, 0, "first"));
    const conflicts = await Promise.all(LOGS.map(async (log) => slow.append(one(log, 0, "too late"))));
    expect(conflicts).toEqual(LOGS.map(() => CONFLICT));
    const turns = await Promise.all(LOGS.map(async (log) => slow.turn(log, 0)));
    expect(turns.filter((turn) => turn !== undefined)).toHaveLength(4);
    expect(await Promise.all(LOGS.map(async (log) => textsOf(slow, log)))).toEqual(LOGS.map(() => ["first"]));
    const appended = await Promise.all(LOGS.map(async (log) => slow.append(one(log, 1, "second"))));
    expect(appended).toEqual(LOGS.map(() => APPENDED));
  });
});
