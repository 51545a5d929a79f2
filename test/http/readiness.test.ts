import { describe, expect, test } from "@jest/globals";
import { Readiness, type EngineHealth } from "../../src/http/readiness.js";

const TIMEOUT_MS = 50;
const well: EngineHealth = { probe: () => Promise.resolve(), degraded: () => [] };

async function answer(health: EngineHealth, { draining = false } = {}) {
  const readiness = new Readiness(health, TIMEOUT_MS);
  if (draining) readiness.drain();
  const { status, body } = await readiness.answer();
  return { status, body: JSON.parse(String(body)) as unknown };
}

describe("a gateway", () => {
  test("is ready while its store answers", async () => {
    expect(await answer(well)).toEqual({ status: 200, body: { status: "ready" } });
  });

  test("is ready without what can be done without, and names it", async () => {
    const body = { status: "ready", degraded: ["redis"] };
    expect(await answer({ ...well, degraded: () => ["redis"] })).toEqual({ status: 200, body });
  });

  test("is not ready while it stops, however well its store is", async () => {
    const body = { status: "not ready", reason: "the gateway is stopping" };
    expect(await answer(well, { draining: true })).toEqual({ status: 503, body });
  });

  test.each<[string, EngineHealth["probe"]]>([
    ["refuses", () => Promise.reject(new Error("no connection to db.internal"))],
    ["says nothing for too long", () => new Promise(() => undefined)],
  ])("is not ready while its store %s, and does not tell why to whoever asks", async (_what, probe) => {
    const body = { status: "not ready", reason: "the log does not answer" };
    expect(await answer({ ...well, probe })).toEqual({ status: 503, body });
  });
});
