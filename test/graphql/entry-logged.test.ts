import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { FormattedExecutionResult } from "graphql";
import { pino } from "pino";
import { AuditError } from "../../src/audit/errors.js";
import type { AuditService } from "../../src/audit/service.js";
import { LIMITS } from "../../src/graphql/limits.js";
import type { OperationObserver } from "../../src/graphql/operation-observer.js";
import { Subscriptions, type SubscriptionRequest } from "../../src/graphql/subscriptions.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { fill, logMessages, openTestService } from "../engine/test-log.js";
import { testGateway } from "./gateway.js";

let store: MemoryLogStore;
let service: AuditService;
let subscriptions: Subscriptions;
let controller: AbortController;
beforeEach(async () => {
  store = new MemoryLogStore();
  service = await openTestService({ store });
  subscriptions = await Subscriptions.open(pino({ level: "silent" }));
  controller = new AbortController();
});
afterEach(async () => {
  controller.abort();
  await service.close();
});

interface Sent extends Omit<SubscriptionRequest, "document"> {
  readonly query: string;
}

const answered: unknown[][] = [];
const operation: OperationObserver = {
  resolved: ({ name, type }) => answered.push([name, type]),
  answered: (...outcome) => answered.push(outcome),
};

function subscribe(request: string | Sent) {
  const { query, ...rest } = typeof request === "string" ? { query: request } : request;
  const subscriber = { service: () => service, signal: controller.signal, operation };
  return subscriptions.subscribe({ document: { query }, ...rest }, subscriber);
}

/** A subscription whose events have so many field values: fragments that spread the last one twice, one for each bit. */
function ofCost(cost: number): string {
  const bits = (cost - 1).toString(2).split("").reverse();
  const spread = bits.flatMap((bit, at) => (bit === "1" ? [`...F${at}`] : []));
  const fragments = bits.map((_, at) => {
    return `fragment F${at} on AuditEntry { ${at === 0 ? "leafIndex" : `...F${at - 1} ...F${at - 1}`} }`;
  });
  return `subscription { entryLogged { ${spread.join(" ")} } } ${fragments.join(" ")}`;
}

async function events(request: string | Sent): Promise<AsyncGenerator<FormattedExecutionResult, void>> {
  const subscribed = await subscribe(request);
  if (subscribed.kind === "events") return subscribed.events;
  throw new Error(JSON.stringify(subscribed.errors));
}

/** The codes of a request that must be refused. */
async function refusal(request: string | Sent): Promise<readonly unknown[]> {
  const subscribed = await subscribe(request);
  if (subscribed.kind === "events") throw new Error("it was not refused");
  return subscribed.errors.map(({ extensions }) => extensions?.["code"]);
}

async function next(
  stream: AsyncGenerator<FormattedExecutionResult, void>,
): Promise<FormattedExecutionResult | undefined> {
  const { value } = await stream.next();
  return value ?? undefined;
}

describe("entryLogged", () => {
  test("gives an event for each entry, with whatever is selected of it", async () => {
    const stream = await events(`subscription { entryLogged {
      leafIndex event { message } membershipProof { treeSize }
      verification { hash { status } membership { status } consistency { status } } } }`);
    await logMessages(service, 1);
    expect(await next(stream)).toEqual({
      data: {
        entryLogged: {
          leafIndex: 0,
          event: { message: "event 0" },
          membershipProof: { treeSize: 1 },
          verification: { hash: valid, membership: valid, consistency: valid },
        },
      },
    });
  });

  const valid = { status: "VALID" };

  test("proves each entry in the tree of its moment, not of the subscription's", async () => {
    const stream = await events("subscription { entryLogged { membershipProof { treeSize } } }");
    await logMessages(service, 1);
    expect(JSON.stringify(await next(stream))).toContain('"treeSize":1');
    await logMessages(service, 1);
    expect(JSON.stringify(await next(stream))).toContain('"treeSize":2');
  });

  test("shows a corrupt entry as null with ENTRY_CORRUPT and its index, and goes on", async () => {
    await fill(service, 3);
    service = await openTestService({ store }); // who logged entries has them in memory
    const read = store.entries.bind(store);
    store.entries = async (log, indexes) =>
      (await read(log, indexes)).map((entry) => (entry?.leafIndex === 1 ? { ...entry, canonical: "{}" } : entry));
    const stream = await events("subscription { entryLogged(fromLeafIndex: 0) { leafIndex } }");
    expect(await next(stream)).toEqual({ data: { entryLogged: { leafIndex: 0 } } });
    expect(await next(stream)).toMatchObject({
      data: null,
      errors: [{ path: ["entryLogged"], extensions: { code: "ENTRY_CORRUPT", leafIndex: 1 } }],
    });
    expect(await next(stream)).toEqual({ data: { entryLogged: { leafIndex: 2 } } });
  });

  test("ends without a word when its signal aborts, and with one when that has an AuditError for a reason", async () => {
    const silent = await events("subscription { entryLogged { leafIndex } }");
    const ended = next(silent);
    controller.abort();
    expect(await ended).toBeUndefined();

    controller = new AbortController();
    const told = await events("subscription { entryLogged { leafIndex } }");
    const last = next(told);
    controller.abort(new AuditError("UNAUTHENTICATED", "the credential has expired"));
    expect(await last).toEqual({
      errors: [{ message: "the credential has expired", extensions: { code: "UNAUTHENTICATED" } }],
    });
    expect(await next(told)).toBeUndefined();
  });

  test.each<[string, string | Sent, readonly string[]]>([
    ["no GraphQL", "subscription {", ["GRAPHQL_PARSE_FAILED"]],
    ["an unknown field", "subscription { entryLogged { secret } }", ["GRAPHQL_VALIDATION_FAILED"]],
    [
      "a variable that decides whether there is anything to follow",
      "subscription ($on: Boolean = true) { entryLogged @include(if: $on) { id } }",
      ["GRAPHQL_VALIDATION_FAILED"],
    ],
    [
      "what no stack is deep enough for",
      `subscription ($q: ${"[".repeat(6_000)}String${"]".repeat(6_000)}) { entryLogged(query: $q) { id } }`,
      ["GRAPHQL_VALIDATION_FAILED"],
    ],
    [
      "too many aliases",
      `subscription { entryLogged { ${Array.from({ length: 101 }, (_, i) => `a${i}: leafIndex`).join(" ")} } }`,
      ["GRAPHQL_VALIDATION_FAILED"],
    ],
    ["too many tokens", `subscription { entryLogged { ${"leafIndex ".repeat(50_000)} } }`, ["GRAPHQL_PARSE_FAILED"]],
    ["more field values than an answer may have", ofCost(LIMITS.cost + 1), ["BAD_USER_INPUT"]],
    ["a query", "{ root { treeSize } }", ["OPERATION_RESOLUTION_FAILURE"]],
    ["a mutation", 'mutation { log(event: { message: "m" }) { root { treeSize } } }', ["OPERATION_RESOLUTION_FAILURE"]],
    [
      "an operation that is not there",
      { query: "subscription A { entryLogged { leafIndex } }", operationName: "B" },
      ["OPERATION_RESOLUTION_FAILURE"],
    ],
    [
      "a variable of another type",
      {
        query: "subscription ($from: AuditLeafIndex) { entryLogged(fromLeafIndex: $from) { leafIndex } }",
        variables: { from: -1 },
      },
      ["BAD_USER_INPUT"],
    ],
    ["a query that cannot be read", 'subscription { entryLogged(query: "(") { leafIndex } }', ["BAD_USER_INPUT"]],
    ["an index beyond the log", "subscription { entryLogged(fromLeafIndex: 1) { leafIndex } }", ["BAD_USER_INPUT"]],
    ["an unknown log", 'subscription { entryLogged(log: "other") { leafIndex } }', ["NOT_FOUND"]],
  ])("refuses %s before there is a stream", async (_, request, codes) => {
    expect(await refusal(request)).toEqual(codes);
  });

  test.each([LIMITS.cost - 1, LIMITS.cost])("takes an event of %d field values", async (cost) => {
    expect((await subscribe(ofCost(cost))).kind).toBe("events");
  });

  test("tells its observer what it was and how it ended, with the code of the first error", async () => {
    answered.length = 0;
    await fill(service, 3);
    const stream = await events("subscription Follow { entryLogged(fromLeafIndex: 0) { leafIndex } }");
    for (let at = 0; at < 3; at++) await next(stream);
    expect(answered).toEqual([["Follow", "subscription"]]);
    const last = next(stream);
    controller.abort(new AuditError("UNAUTHENTICATED", "the credential has expired"));
    await last;
    await next(stream);
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown;
    expect(answered).toEqual([
      ["Follow", "subscription"],
      ["UNAUTHENTICATED", hash, 3],
    ]);
    answered.length = 0;
    await refusal("subscription { entryLogged { secret } }");
    await refusal("{ root { treeSize } }");
    expect(answered).toEqual([
      ["GRAPHQL_VALIDATION_FAILED", hash],
      [undefined, "query"],
      ["OPERATION_RESOLUTION_FAILURE", hash],
    ]);
  });

  test("logged nothing when it refused a mutation", async () => {
    await refusal('mutation { log(event: { message: "m" }) { root { treeSize } } }');
    expect((await service.root("default")).treeSize).toBe(0);
  });

  test("tells who asks for one answer how to get a stream", async () => {
    const gateway = await testGateway(service);
    const error = await gateway.error("subscription { entryLogged { leafIndex } }");
    expect(error.extensions?.["code"]).toBe("BAD_USER_INPUT");
    expect(error.message).toContain("text/event-stream");
    await gateway.close();
  });
});
