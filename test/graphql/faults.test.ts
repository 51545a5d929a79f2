import { afterEach, describe, expect, test } from "@jest/globals";
import { Writable } from "node:stream";
import { pino } from "pino";
import { AuditError } from "../../src/audit/errors.js";
import type { LogStore } from "../../src/audit/store.js";
import { HASH_BYTES } from "../../src/core/bytes.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { memoryIndex } from "../engine/search/memory-index.js";
import { fill, logMessages, openTestService, TestClock } from "../engine/test-log.js";
import { textsIn } from "../stores/batches.js";
import { testGateway, type TestGateway } from "./gateway.js";
import { replaced } from "./watched.js";

let gateway: TestGateway | undefined;

afterEach(() => gateway?.close());

/** A gateway over a filled store that has faults once it is open; what it logs for its operator is kept. */
async function gatewayOver(faults: (store: MemoryLogStore) => Partial<LogStore>, entries = 5) {
  const store = new MemoryLogStore();
  const index = memoryIndex(store);
  await fill(await openTestService({ store, index, clock: new TestClock().now }), entries);
  const methods: Partial<LogStore> = {};
  const service = await openTestService({ store: replaced<LogStore>(store, methods), index });
  Object.assign(methods, faults(store));
  const logged: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      logged.push(chunk.toString());
      done();
    },
  });
  gateway = await testGateway(service, { logger: pino({ level: "error" }, sink) });
  return { gateway, logged };
}

/** One character of one entry changed behind the gateway's back. */
const corruptEntry = (store: MemoryLogStore): Partial<LogStore> => ({
  canonicals: async (log, leafIndexes) =>
    (textsIn(await store.canonicals(log, leafIndexes)) ?? []).map((text, place) =>
      leafIndexes[place] === 3 ? text?.replace("event", "evemt") : text,
    ),
});

const CORRUPT = { code: "ENTRY_CORRUPT", log: "default", leafIndex: 3 };

describe("an entry that was changed in the store", () => {
  test("is a null node with ENTRY_CORRUPT at its path, and its siblings are answered", async () => {
    const over = await gatewayOver(corruptEntry);
    const { data, errors } = await over.gateway.text(
      "{ search(orderBy: { direction: ASC }) { edges { node { leafIndex } } nodes { hash } } }",
    );
    expect(data?.["search"]).toMatchObject({
      edges: [0, 1, 2, 3, 4].map((leafIndex) => ({ node: leafIndex === 3 ? null : { leafIndex } })),
    });
    expect(errors?.map(({ path, extensions }) => ({ path, extensions }))).toEqual(
      expect.arrayContaining([
        { path: ["search", "edges", 3, "node"], extensions: CORRUPT },
        { path: ["search", "nodes", 3], extensions: CORRUPT },
      ]),
    );
    expect(errors).toHaveLength(2);
  });

  test("is refused by every other way to it, and the operator is told which it is", async () => {
    const over = await gatewayOver(corruptEntry);
    const id = Buffer.from("Entry:3:default").toString("base64url");
    const ways = [
      "{ entry(leafIndex: 3) { id } }",
      `{ node(id: "${id}") { id } }`,
      `{ nodes(ids: ["${id}"]) { id } }`,
      `{ _entities(representations: [{ __typename: "AuditEntry", id: "${id}" }]) { ... on AuditEntry { id } } }`,
    ];
    for (const way of ways) expect((await over.gateway.error(way)).extensions).toEqual(CORRUPT);
    expect(over.logged.map((line) => JSON.parse(line) as unknown)).toEqual(
      ways.map(() => expect.objectContaining(CORRUPT) as unknown),
    );
    expect(over.logged.join()).not.toContain("evemt");
  });
});

describe("a tile that was changed in the store", () => {
  const PROOF = `{ entry(leafIndex: 7) { hash membershipProof { path } verification { membership { status } } } }`;
  const badLeaf =
    (leaf: number) =>
    (store: MemoryLogStore): Partial<LogStore> => ({
      tiles: async (log, ids) =>
        (await store.tiles(log, ids)).map((tile) =>
          tile?.map((byte, at) => (at === leaf * HASH_BYTES ? byte ^ 1 : byte)),
        ),
    });

  test("gives the proof that a sound one gives: the tile is made again from its entries", async () => {
    const sound = await (await gatewayOver(() => ({}), 300)).gateway.text(PROOF);
    expect(sound.data).toMatchObject({ entry: { verification: { membership: { status: "VALID" } } } });
    await gateway?.close();
    const over = await gatewayOver(badLeaf(6), 300);
    expect(await over.gateway.text(PROOF)).toEqual(sound);
  });

  test("gives an error and never a proof that leads through the change, where an entry was changed as well", async () => {
    const over = await gatewayOver((store) => ({ ...badLeaf(6)(store), ...corruptEntry(store) }), 300);
    const { data, errors = [] } = await over.gateway.text(PROOF);
    expect(data).toEqual({ entry: null });
    expect(errors.map(({ extensions }) => extensions["code"])).toEqual(["ENTRY_CORRUPT"]);
  });

  test("leaves the proofs that do not lead through the change as they are", async () => {
    const over = await gatewayOver((store) => ({ ...badLeaf(31)(store), ...corruptEntry(store) }), 300);
    const { data } = await over.gateway.text(PROOF);
    expect(data).toMatchObject({ entry: { verification: { membership: { status: "VALID" } } } });
  });
});

describe("a store that fails", () => {
  test("with a reason of its own is UNAVAILABLE, with the time to wait", async () => {
    const over = await gatewayOver(() => ({
      canonicals: () => Promise.reject(new AuditError("UNAVAILABLE", "the disk is full", { retryAfterMs: 1500 })),
    }));
    const { message, extensions } = await over.gateway.error("{ entry(leafIndex: 0) { id } }");
    expect({ message, extensions }).toEqual({
      message: "the disk is full",
      extensions: { code: "UNAVAILABLE", retryAfterMs: 1500 },
    });
  });

  test.each<[string, Partial<LogStore>, string]>([
    [
      "refuses a write",
      { append: () => Promise.reject(new AuditError("UNAVAILABLE", "full", { outcome: "NONE" })) },
      "NONE",
    ],
    ["does not say what became of a write", { append: () => Promise.reject(new Error("connection lost")) }, "UNKNOWN"],
  ])("and %s tells the client which of the two it is", async (_, faults, outcome) => {
    const over = await gatewayOver(() => faults);
    for (const write of ['log(event: { message: "m" })', 'logBulk(events: [{ message: "m" }])']) {
      const { extensions } = await over.gateway.error(`mutation { ${write} { root { treeSize } } }`);
      expect(extensions).toEqual({ code: "UNAVAILABLE", retryAfterMs: 1000, outcome });
    }
  });

  test("unexpectedly shows an id, by which the operator finds it, and nothing else", async () => {
    const over = await gatewayOver(() => ({ canonicals: () => Promise.reject(new Error("password=hunter2")) }));
    const error = await over.gateway.error("{ entry(leafIndex: 0) { id } }");
    const { code, id } = error.extensions as { readonly code: string; readonly id: string };
    expect(code).toBe("INTERNAL_SERVER_ERROR");
    expect(error.message).toBe(
      `Unexpected error: tell the operator the id ${id}, under which the gateway's log has it.`,
    );
    expect(JSON.parse(over.logged.join())).toMatchObject({ code, id, kind: "Error" });
    expect(over.logged.join() + JSON.stringify(error)).not.toContain("hunter2");
  });
});

const SECRETS = /hunter2|SELECT|relation|\/srv\/|auditql\.key|\bat \w|node_modules|ECONN|42P01|Did you mean/;

describe("whatever a store throws", () => {
  const foreign = (message: string, members: object) => Object.assign(new Error(message), members);
  const cause = new Error("password=hunter2");
  test.each<[string, unknown]>([
    [
      "an error of SQL",
      foreign('relation "entries" does not exist: SELECT hunter2', { code: "42P01", query: "SELECT" }),
    ],
    [
      "an error of the file system",
      foreign("EACCES: open '/srv/data/auditql.key'", { code: "EACCES", path: "/srv/x" }),
    ],
    ["an error of the network", foreign("connect ECONNREFUSED 10.0.0.1:5432", { address: "hunter2" })],
    [
      "an error with extensions of its own",
      foreign("hunter2", { extensions: { code: "BAD_USER_INPUT", sql: "SELECT" } }),
    ],
    ["an error with a cause", new Error("hunter2", { cause })],
    ["many errors", new AggregateError([cause], "hunter2")],
    ["a fault of ours", new TypeError("Cannot read properties of undefined (reading 'hunter2')")],
    ["text", "hunter2"],
    ["an object", { message: "hunter2", stack: "at hunter2" }],
    ["nothing", undefined],
  ])("nothing of %s is told but an id", async (_, thrown) => {
    const over = await gatewayOver(() => ({
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a driver may reject with anything
      canonicals: () => Promise.reject(thrown),
    }));
    const error = await over.gateway.error("{ entry(leafIndex: 0) { id } }");
    const { code, id } = error.extensions as { readonly code: string; readonly id: string };
    expect([code, error.message]).toEqual([
      "INTERNAL_SERVER_ERROR",
      `Unexpected error: tell the operator the id ${id}, under which the gateway's log has it.`,
    ]);
    expect(Object.keys(error.extensions ?? {}).sort()).toEqual(["code", "id"]);
    expect(JSON.stringify(error)).not.toMatch(SECRETS);
    expect(over.logged.join()).toContain(id);
    expect(over.logged.join()).not.toMatch(/hunter2|SELECT/);
  });

  const KEYED = `mutation { log(event: { message: "m" }, idempotencyKey: "k") { root { treeSize } } }`;
  test.each<[keyof LogStore, string]>([
    ["confirm", "{ root { treeSize } }"],
    ["confirm", "{ entry(leafIndex: 0) { verification { membership { status } } } }"],
    ["receipts", KEYED],
    ["canonicals", "{ root(treeSize: 2) { publishedAt } }"],
    ["canonicals", "{ search { nodes { id } } }"],
  ])("nothing of what %s rejects with is told to %s", async (method, query) => {
    const reject = (): Promise<never> => Promise.reject(foreign("SELECT hunter2", { code: "42P01", outcome: "NONE" }));
    const over = await gatewayOver(() => ({ [method]: reject }));
    const { errors = [] } = await over.gateway.text(query);
    expect(errors.length).toBeGreaterThan(0);
    for (const { message, extensions } of errors) {
      expect(message).toMatch(/^Unexpected error: tell the operator the id /);
      expect(Object.keys(extensions).sort()).toEqual(["code", "id"]);
      expect(extensions["code"]).toBe("INTERNAL_SERVER_ERROR");
    }
    expect(JSON.stringify(errors) + over.logged.join()).not.toMatch(/hunter2|SELECT|42P01/);
  });

  test("its reasons stay inside: an AuditError shows its message, not its cause", async () => {
    const over = await gatewayOver(() => ({
      canonicals: () =>
        Promise.reject(new AuditError("UNAVAILABLE", "the disk is full", { cause: new Error("hunter2") })),
    }));
    const error = await over.gateway.error("{ entry(leafIndex: 0) { id } }");
    expect({ message: error.message, extensions: error.extensions }).toEqual({
      message: "the disk is full",
      extensions: { code: "UNAVAILABLE" },
    });
  });
});

test("a result id and its cursors are refused when they have expired", async () => {
  const clock = new TestClock();
  const service = await openTestService({ clock: clock.now, resultTtlMs: 60_000 });
  await logMessages(service, 5);
  gateway = await testGateway(service);
  const { data } = await gateway.text("{ search(first: 2) { resultId pageInfo { endCursor } } }");
  const { resultId: id, pageInfo } = data?.["search"] as { resultId: string; pageInfo: { endCursor: string } };
  const further = [`{ results(id: "${id}") { resultId } }`, `{ search(after: "${pageInfo.endCursor}") { resultId } }`];
  for (const query of further) expect((await gateway.text(query)).errors).toBeUndefined();
  clock.advanceMs(60_001);
  for (const query of further) {
    const { message, extensions } = await gateway.error(query);
    expect(extensions?.["code"]).toBe("BAD_USER_INPUT");
    expect(message).toContain("expired");
  }
});
