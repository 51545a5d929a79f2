import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { AppendBatch, AppendOutcome } from "../../../src/audit/store.js";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { answering, batch, emptyHead, entry, requestReceipt } from "../batches.js";
import { hasPostgres, type PostgresServer, somePostgres } from "./server.js";
import { textsOf } from "./writer.js";

const APPENDED = { kind: "appended" };
const CONFLICT = { kind: "conflict" };
/** Long enough for any machine to come back for its turn. */
const HOLD_MS = 4_000;
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

  describe("a gateway whose append met a conflict", () => {
    beforeEach(async () => {
      await append(fast, 0, "first");
      expect(await append(slow, 0, "too late")).toEqual(CONFLICT);
    });

    test("has its turn next, however fast the other one is", async () => {
      const rival = append(fast, 1, "rival");
      expect(await append(slow, 1, "second")).toEqual(APPENDED);
      expect(await rival).toEqual(CONFLICT);
      expect(await textsOf(fast, "a")).toEqual(["first", "second"]);
    });

    test("that comes back with a wrong size once more has lost its turn", async () => {
      expect(await append(slow, 7, "wrong")).toEqual(CONFLICT);
      expect(await append(fast, 1, "second")).toEqual(APPENDED);
    });

    test("has lost its turn, and nothing else, when its request turns out to be in the log already", async () => {
      const request = answering([requestReceipt("key", 1)], one("a", 1, "request"));
      expect(await slow.append(request)).toEqual(APPENDED);
      expect(await append(fast, 1, "too late")).toEqual(CONFLICT);
      expect(await fast.append({ ...request, expectedSize: 2 })).toEqual({ kind: "repeated" });
      expect(await append(slow, 2, "third")).toEqual(APPENDED);
      expect(await textsOf(fast, "a")).toEqual(["first", "request", "third"]);
    });

    test("gives its turn back when it closes", async () => {
      await slow.close();
      expect(await append(fast, 1, "second")).toEqual(APPENDED);
    });

    test("lets everybody read meanwhile", async () => {
      expect((await fast.head("a"))?.size).toBe(1);
      expect(await textsOf(slow, "a")).toEqual(["first"]);
    });
  });

  test("a gateway that does not come back after a conflict holds the others up for a moment only", async () => {
    await append(slow, 0, "first");
    expect(await append(fast, 0, "too late")).toEqual(CONFLICT);
    const started = Date.now();
    expect(await append(slow, 1, "second")).toEqual(APPENDED);
    expect(Date.now() - started).toBeLessThan(HOLD_MS); // after 5 s the server would end the session by itself
    expect(await append(fast, 2, "third")).toEqual(APPENDED);
  });

  test("conflicts in more logs than there are turns leave connections for reading, and every log goes on", async () => {
    for (const log of LOGS) await fast.append(one(log, 0, "first"));
    const conflicts = await Promise.all(LOGS.map(async (log) => slow.append(one(log, 0, "too late"))));
    expect(conflicts).toEqual(LOGS.map(() => CONFLICT));
    expect(await Promise.all(LOGS.map(async (log) => textsOf(slow, log)))).toEqual(LOGS.map(() => ["first"]));
    const appended = await Promise.all(LOGS.map(async (log) => slow.append(one(log, 1, "second"))));
    expect(appended).toEqual(LOGS.map(() => APPENDED));
  });
});
