import { describe, expect, test } from "@jest/globals";
import { AuditError } from "../../src/audit/errors.js";
import { Readiness, type EngineHealth } from "../../src/http/server.js";

const TIMEOUT_MS = 50;
const well: EngineHealth = { probe: () => Promise.resolve([]) };

async function answer(health: EngineHealth, { draining = false } = {}) {
  const readiness = new Readiness(health, TIMEOUT_MS);
  if (draining) readiness.drain();
  const { status, body } = await readiness.answer();
  return { status, body: JSON.parse(body) as unknown };
}

describe("a gateway", () => {
  test("is ready while its store answers", async () => {
    expect(await answer(well)).toEqual({ status: 200, body: { status: "ready" } });
  });

  test("is ready without what can be done without, and names it", async () => {
    const body = { status: "ready", degraded: ["redis"] };
    expect(await answer({ probe: () => Promise.resolve([{ what: "redis" }]) })).toEqual({ status: 200, body });
  });

  test("is ready while it can be read, and says of each log why it cannot be written", async () => {
    const corrupt = [
      { what: "writes", reason: "a: LOG_CORRUPT: its root is another" },
      { what: "redis" },
      { what: "writes", reason: "c: ROOT_CONFLICT: it has two histories" },
    ];
    expect(await answer({ probe: () => Promise.resolve(corrupt) })).toEqual({
      status: 200,
      body: {
        status: "ready",
        degraded: ["writes", "redis"],
        reasons: ["a: LOG_CORRUPT: its root is another", "c: ROOT_CONFLICT: it has two histories"],
      },
    });
  });

  test("is not ready while it cannot be read, and says why in words for anyone", async () => {
    const away = new AuditError("UNAVAILABLE", "the log's database cannot do this now; try again", {
      passing: "ECONNREFUSED",
      cause: new Error("connect ECONNREFUSED 10.0.0.5:5432"),
    });
    expect(await answer({ probe: () => Promise.reject(away) })).toEqual({
      status: 503,
      body: { status: "not ready", reason: "the log's database cannot do this now; try again: ECONNREFUSED" },
    });
  });

  test("is asked once, however many ask at a time", async () => {
    let probes = 0;
    const probe: EngineHealth["probe"] = async () => {
      probes++;
      return Promise.resolve([]);
    };
    const readiness = new Readiness({ probe }, TIMEOUT_MS);
    const answers = await Promise.all([readiness.answer(), readiness.answer(), readiness.answer()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(probes).toBe(1);
    await readiness.answer();
    expect(probes).toBe(2);
  });

  test("is not ready while it stops, however well its store is", async () => {
    const body = { status: "not ready", reason: "the gateway is stopping" };
    expect(await answer(well, { draining: true })).toEqual({ status: 503, body });
  });

  test.each<[string, EngineHealth["probe"]]>([
    ["refuses", () => Promise.reject(new Error("no connection to db.internal"))],
    ["says nothing for too long", () => new Promise(() => undefined)],
  ])("is not ready while its store %s, and does not tell anyone what is meant for nobody", async (_what, probe) => {
    const body = { status: "not ready", reason: "the log does not answer" };
    expect(await answer({ probe })).toEqual({ status: 503, body });
  });
});
