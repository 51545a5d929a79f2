import { describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { AuditError } from "../../src/audit/errors.js";
import { OpeningEngine, type Engine } from "../../src/cli/opening.js";
import { openTestService } from "../engine/test-log.js";

const away = (): AuditError =>
  new AuditError("UNAVAILABLE", "the database cannot be opened: connect ECONNREFUSED 10.0.0.5:5432", {
    retryAfterMs: 1,
    passing: "ECONNREFUSED",
  });

/** Opens after so many failures; the lines of the log are kept. */
function openingAfter(failures: readonly unknown[]) {
  const lines: string[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line) => lines.push(line) });
  const left = [...failures];
  const engine = async (): Promise<Engine> => {
    if (left.length > 0) throw left.shift();
    const service = await openTestService();
    return { service, health: { probe: async () => Promise.resolve([]) }, close: async () => service.close() };
  };
  const messages = () => lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
  return { opening: new OpeningEngine(engine, logger), messages };
}

describe("an engine whose database is away", () => {
  test("says so to whoever asks, opens when it is there, and tells the operator twice", async () => {
    const { opening, messages } = openingAfter([away(), away()]);
    await expect(opening.service.root("default")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(opening.health.probe()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await opening.opened;
    expect(await opening.service.root("default")).toMatchObject({ treeSize: 0 });
    expect(await opening.health.probe()).toEqual([]);
    expect(messages()).toEqual([
      "waiting for the database: the database cannot be opened: connect ECONNREFUSED 10.0.0.5:5432",
      expect.stringMatching(/^the database is there, after \d+\.\d s$/),
    ]);
    await opening.close();
  });

  test("has a service whose methods, once called, are those of the engine", async () => {
    const { opening } = openingAfter([away()]);
    // Called before and after, as tracing keeps a method once it was called.
    const { service } = opening;
    await expect(service.entries("default", [0])).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await opening.opened;
    expect(await service.entries("default", [0])).toEqual([{ kind: "missing" }]);
    await opening.close();
  });

  test.each([
    ["at once", []],
    ["after a wait", [away()]],
  ])("gives up %s when somebody has to change something", async (_when, before) => {
    const password = new AuditError("UNAVAILABLE", "password authentication failed", { retryAfterMs: 1 });
    await expect(openingAfter([...before, password]).opening.opened).rejects.toBe(password);
  });

  test("is waited for no longer once it is closed", async () => {
    const { opening } = openingAfter(Array.from({ length: 1_000 }, away));
    await opening.close();
    await expect(opening.opened).rejects.toMatchObject({ name: "AbortError" });
  });
});
