import { afterEach, describe, expect, test } from "@jest/globals";
import { EventEmitter, once } from "node:events";
import { unlessAborted } from "../../src/audit/calls.js";
import type { AuditService } from "../../src/audit/service.js";
import { logMessages, openTestService } from "../engine/test-log.js";
import { compileAtHit, testGateway, type TestGateway } from "./gateway.js";
import { replaced, watched } from "./watched.js";

const TIMEOUT_MS = 300;
const NEVER = new Promise<never>(() => undefined);

let gateway: TestGateway;

afterEach(() => gateway.close());

/** A gateway over a log of five entries, some of whose methods are in other hands. */
async function gatewayOver(methods: (service: AuditService) => Partial<AuditService>, requestTimeoutMs = TIMEOUT_MS) {
  const service = await openTestService();
  await logMessages(service, 5);
  const { object, calls } = watched(replaced(service, methods(service)));
  gateway = await testGateway(object, { compileAtHit, requestTimeoutMs });
  return calls;
}

const stopped = `the request took longer than ${TIMEOUT_MS} ms and was stopped`;
const LOG = 'mutation { log(event: { message: "m" }) { entry { leafIndex } membershipProof { text } } }';

describe("a request that takes too long", () => {
  test("is answered in time, with UNAVAILABLE and when to come back, and what was read by then", async () => {
    await gatewayOver(() => ({ membershipProofs: () => NEVER }));
    const { data, errors } = await gateway.text(
      "{ a: entry(leafIndex: 1) { membershipProof { text } } root { treeSize } }",
    );
    expect(data).toEqual({ a: null, root: { treeSize: 5 } });
    expect(errors).toMatchObject([
      { message: stopped, path: ["a", "membershipProof"], extensions: { code: "UNAVAILABLE", retryAfterMs: 1000 } },
    ]);
  });

  test("does not go on to the service", async () => {
    const calls = await gatewayOver((service) => ({
      search: async (...request) => {
        await new Promise((resolve) => setTimeout(resolve, 2 * TIMEOUT_MS));
        return service.search(...request);
      },
    }));
    expect((await gateway.error("{ search { nodes { leafIndex } } }")).message).toBe(stopped);
    await new Promise((resolve) => setTimeout(resolve, 2 * TIMEOUT_MS));
    expect(calls).toEqual(["search"]);
  });

  test("is stopped while it counts a result, too", async () => {
    await gatewayOver((service) => ({
      search: async (request, page, asking) => {
        const found = await service.search(request, page, asking);
        const totalCount = () => unlessAborted(NEVER, asking?.signal);
        return { ...found, result: replaced(found.result, { totalCount }) };
      },
    }));
    expect((await gateway.error("{ search { totalCount } }")).message).toBe(stopped);
  });

  test("does not say that an event was not logged when it may have been", async () => {
    await gatewayOver(() => ({ append: () => NEVER }));
    expect(await gateway.error(LOG)).toMatchObject({
      message: `${stopped}; whether the event was logged is not known: search for it before you repeat it`,
      extensions: { code: "UNAVAILABLE", retryAfterMs: 1000, outcome: "UNKNOWN" },
    });
    const keyed = LOG.replace("}) {", '}, idempotencyKey: "k") {');
    expect((await gateway.error(keyed)).message).toMatch(/is not known: repeat it with the same key$/);
  });

  test("does not say that a bulk request was not logged when it may have been", async () => {
    await gatewayOver(() => ({ appendLater: () => NEVER }));
    const { extensions } = await gateway.error(
      'mutation { logBulkAsync(events: [{ message: "m" }]) { bulkRequest { id } } }',
    );
    expect(extensions).toMatchObject({ code: "UNAVAILABLE", outcome: "UNKNOWN" });
  });

  test("says that an event was logged when only its proof is late", async () => {
    await gatewayOver(() => ({ membershipProofs: () => NEVER }));
    expect((await gateway.error(LOG)).message).toBe(`${stopped}; what this request logged before is logged`);
  });

  test("says that nothing was logged by a field that was not begun", async () => {
    const calls = await gatewayOver((service) => ({
      append: async (request) => (request.events.length === 1 ? service.append(request) : NEVER),
    }));
    const two = 'a: logBulk(events: [{ message: "1" }, { message: "2" }]) { root { treeSize } }';
    const query = `mutation { ${two} b: log(event: { message: "3" }) { root { treeSize } } }`;
    const { errors = [] } = await gateway.text(query);
    expect(errors[0]?.message).toMatch(/whether the events were logged is not known/);
    expect(errors[0]?.extensions["outcome"]).toBe("UNKNOWN");
    for (const { message, extensions } of errors.slice(1)) {
      expect(message).toBe(`${stopped}; nothing was logged here`);
      expect(extensions["outcome"]).toBe("NONE");
    }
    expect(calls.filter((name) => name === "append")).toHaveLength(1);
  });
});

test("a request within its time is not stopped after it", async () => {
  await gatewayOver(() => ({}));
  expect((await gateway.text("{ root { treeSize } }")).data).toEqual({ root: { treeSize: 5 } });
  await new Promise((resolve) => setTimeout(resolve, 2 * TIMEOUT_MS));
  expect((await gateway.text("{ root { treeSize } }")).data).toEqual({ root: { treeSize: 5 } });
});

test("a client that goes away ends the work of its request", async () => {
  const steps = new EventEmitter();
  const begun = once(steps, "begun");
  const gone = once(steps, "gone");
  const calls = await gatewayOver(
    (service) => ({
      search: async (...request) => {
        steps.emit("begun");
        await gone;
        return service.search(...request);
      },
    }),
    60_000,
  );
  const client = new AbortController();
  const answer = fetch(`${gateway.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ search { nodes { leafIndex } } }" }),
    signal: client.signal,
  });
  const refused = expect(answer).rejects.toThrow();
  await begun;
  client.abort();
  await refused;
  await new Promise((resolve) => setTimeout(resolve, 50)); // by then the gateway has seen it
  steps.emit("gone");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(calls).not.toContain("entries");
});
