import { beforeEach, describe, expect, test } from "@jest/globals";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { parseSchema, type EventSchema } from "../../../src/core/event-schema.js";
import { timeText } from "../../../src/audit/clock.js";
import type { LogHead, LogStore } from "../../../src/audit/store.js";
import { VALID } from "../../../src/core/verdict.js";
import { keyringOfSeed } from "../../../src/keys/keyring.js";
import { expectCode, rejection } from "../rejection.js";
import { logMessages, NEW_YEAR, openTestService, TestClock } from "../test-log.js";
import { damaged, flipped, LogInMemory } from "./damaged-store.js";

let memory: LogInMemory;
beforeEach(() => {
  memory = new LogInMemory();
});

test("a log whose head is gone, and entries are not, is LOG_CORRUPT for whatever is asked, and not an empty log", async () => {
  await memory.fill(300);
  const service = await memory.open({
    head: () => Promise.resolve(undefined),
    createLog: (initial) => Promise.resolve(initial),
  });
  await expectCode(service.entries("default", [0]), "LOG_CORRUPT");
  await expectCode(service.search({ log: "default", query: "" }, {}), "LOG_CORRUPT");
  expect(memory.alarms).toHaveLength(1);
});

describe("a log that cannot be trusted when it is opened", () => {
  beforeEach(async () => {
    await memory.fill(600);
  });

  const heads = (change: (head: LogHead) => LogHead): Partial<LogStore> => ({
    head: async (log) => {
      const head = await memory.store.head(log);
      return head && change(head);
    },
  });
  const flippedLeaf: Partial<LogStore> = {
    leafHashes: async (log, range) => flipped(await memory.store.leafHashes(log, range), 5),
  };
  const changedLast: Partial<LogStore> = {
    entries: async (log, indexes) =>
      (await memory.store.entries(log, indexes)).map((entry) =>
        entry?.leafIndex === 599 ? { ...entry, canonical: entry.canonical.replace("event 599", "event 600") } : entry,
      ),
  };

  const lost: readonly (readonly [string, Partial<LogStore>])[] = [
    ["a leaf hash of its edge was changed", flippedLeaf],
    [
      "leaf hashes of its edge are gone",
      { leafHashes: async (log, range) => (await memory.store.leafHashes(log, range)).slice(32) },
    ],
    [
      "the top of a tile was changed",
      {
        tiles: async (log, ids) =>
          (await memory.store.tiles(log, ids)).map((tile) => tile && flipped(tile, 511 * 32 - 1)),
      },
    ],
    ["a tile is gone", { tiles: (_log, ids) => Promise.resolve(ids.map(() => undefined)) }],
  ];

  test.each(lost)(
    "though %s goes on: its entries lead to the signed root, and the alarm is raised",
    async (_, answers) => {
      const honest = await (await memory.open()).root("default");
      const service = await memory.open(answers);
      expect(memory.alarms).toEqual([
        "Stored hashes of the log default were changed; its entries still lead to its signed root.",
      ]);
      expect(await service.root("default")).toEqual(honest);
      expect((await service.entries("default", [0, 42, 599])).map(({ kind }) => kind)).toEqual(Array(3).fill("entry"));
      expect((await logMessages(service, 1)).root.treeSize).toBe(601);
    },
  );

  const corruptions: readonly (readonly [string, Partial<LogStore>, RegExp])[] = [
    [
      "the last entry and its stored hash were changed",
      { ...changedLast, ...flippedLeaf },
      /its stored hashes do not lead to the signed root of size 600/,
    ],
    [
      "its checkpoint was changed",
      heads((head) => ({ ...head, checkpoint: head.checkpoint.replace("600", "601") })),
      /not signed by this gateway's key as test.example\/auditql\/default \(SIGNATURE_MISMATCH\)/,
    ],
  ];

  test.each(corruptions)("because %s shows nothing, and says why", async (_name, answers, reason) => {
    const service = await memory.open(answers);
    for (const ask of [
      () => logMessages(service, 1),
      () => service.root("default"),
      () => service.consistency("default", 1),
      () => service.entries("default", [42]),
      () => service.search({ log: "default", query: "event" }, {}),
    ]) {
      const error = await rejection(ask());
      expect([error.code, error.message]).toEqual(["LOG_CORRUPT", expect.stringMatching(reason)]);
    }
    expect(memory.alarms).toEqual([expect.stringMatching(reason)]);
  });

  const wrongHeads: readonly (readonly [string, Partial<LogStore>, RegExp])[] = [
    ["another size", heads((head) => ({ ...head, size: 599 })), /its head says size 599/],
    [
      "another root",
      heads((head) => ({ ...head, rootHash: flipped(head.rootHash, 0) })),
      /its checkpoint another size or root/,
    ],
  ];

  test.each(wrongHeads)("because its head says %s is read only: its checkpoint still says of what", async (...row) => {
    const [, answers, reason] = row;
    const service = await memory.open(answers);
    const error = await rejection(logMessages(service, 1));
    expect([error.code, error.message]).toEqual(["LOG_CORRUPT", expect.stringMatching(reason)]);
    expect(memory.alarms).toEqual([error.message]);
    const { leafIndexes } = await service.search({ log: "default", query: '"event 42"' }, {});
    expect(leafIndexes).toEqual([42]);
    expect((await service.entries("default", [0, 599])).map(({ kind }) => kind)).toEqual(["entry", "entry"]);
  });

  test("but only seems to be put back, for it grew while it was read, is written", async () => {
    const earlier = await memory.store.head("default");
    await logMessages(await memory.open(), 1);
    const heads = [earlier, earlier];
    const service = await memory.open({ head: (log) => Promise.resolve(heads.shift() ?? memory.store.head(log)) });
    expect((await logMessages(service, 1)).root.treeSize).toBe(602);
    expect(memory.alarms).toEqual([]);
  });

  test("because its head was put back to an earlier one is read only", async () => {
    const earlier = await memory.store.head("default");
    await logMessages(await memory.open(), 1);
    const service = await memory.open({ head: () => Promise.resolve(earlier) });
    const error = await rejection(logMessages(service, 1));
    expect([error.code, error.message]).toEqual([
      "LOG_CORRUPT",
      "The log default has an entry beyond its head of 600: its head was put back.",
    ]);
    expect((await service.entries("default", [599])).map(({ kind }) => kind)).toEqual(["entry"]);
  });

  test("because it stands under another name takes nothing, and is not taken for an empty one", async () => {
    const [head] = await memory.store.heads();
    const service = await memory.open({
      head: () => Promise.resolve(undefined),
      heads: () => Promise.resolve(head === undefined ? [] : [{ ...head, log: "defaulu" }]),
    });
    await expectCode(logMessages(service, 1), "LOG_CORRUPT");
    await expectCode(service.root("default"), "LOG_CORRUPT");
  });

  test("and whose last entry was changed goes on in the order of time, and raises the alarm", async () => {
    const clock = new TestClock();
    memory = new LogInMemory();
    await logMessages(await openTestService({ store: memory.store, clock: clock.now }), 600);
    clock.advanceMs(-60_000);
    const alarm = (text: string): void => void memory.alarms.push(text);
    const service = await openTestService({ store: damaged(memory.store, changedLast), clock: clock.now, alarm });
    expect(memory.alarms).toEqual(["Entry 599, the last of the log default, was changed."]);
    await expectCode(service.root("default"), "ENTRY_CORRUPT"); // its time is not known
    const { entries } = await logMessages(service, 1);
    expect(entries[0]?.envelope.received_at).toBe(timeText(NEW_YEAR));
  });

  test("because another key signed it is read only", async () => {
    const service = await openTestService({ store: memory.store, keyring: keyringOfSeed(new Uint8Array(32).fill(8)) });
    expect((await rejection(logMessages(service, 1))).message).toMatch(/UNKNOWN_KEY/);
  });
});

describe("a log that exists", () => {
  test("cannot be opened in another format", async () => {
    await memory.fill(1);
    const opened = openTestService({ store: memory.store, logs: [{ log: "default", format: "pangea" }] });
    const error = await rejection(opened);
    expect([error.code, error.message]).toEqual([
      "CONFLICT",
      "The log default exists in the format rfc6962; it cannot become pangea.",
    ]);
  });

  const schema = (fields: readonly object[]) => {
    const parsed = parseSchema({ fields: [{ id: "message", type: "string", required: true }, ...fields] }, "");
    if (parsed.kind === "invalid") throw new Error("no schema");
    return parsed.schema;
  };
  const FIRST = schema([{ id: "n", type: "integer" }]);
  const declared = (own?: EventSchema) =>
    ({ log: "default", format: "pangea", ...(own === undefined ? {} : { schema: own }) }) as const;

  test.each([
    [
      "another schema",
      FIRST,
      schema([{ id: "n", type: "text" }]),
      /^The log default is declared with another schema: it was created with the schema [0-9a-f]{64}, of which only /,
    ],
    [
      "without its schema",
      FIRST,
      undefined,
      /^The log default is declared without a schema: it was created with the schema [0-9a-f]{64}, which must be named\.$/,
    ],
    [
      "a schema that it was created without",
      undefined,
      FIRST,
      /^The log default exists without a schema, and cannot be given one: declare another log for it\.$/,
    ],
  ])("cannot be opened with %s", async (...[, created, opened, message]) => {
    const store = new MemoryLogStore();
    await (await openTestService({ store, logs: [declared(created)] })).close();
    const error = await rejection(openTestService({ store, logs: [declared(opened)] }));
    expect([error.code, error.message]).toEqual(["CONFLICT", expect.stringMatching(message)]);
  });

  test("can be opened when what may change of its schema has", async () => {
    const store = new MemoryLogStore();
    await (await openTestService({ store, logs: [declared(FIRST)] })).close();
    const changed = schema([{ id: "n", type: "integer", required: true, description: "a number" }]);
    const service = await openTestService({ store, logs: [declared(changed)] });
    expect((await rejection(logMessages(service, 1))).message).toMatch(/events\[0\]\.n: expected an integer/);
    expect((await service.identity("default")).schema).toEqual(changed);
  });

  test.each([0, 1, 2, 255, 256, 257, 511, 512, 600])("goes on where it was, at size %d", async (size) => {
    await memory.fill(size);
    const before = size === 0 ? undefined : await (await memory.open()).root("default");
    const service = await memory.open();
    const { entries, root } = await logMessages(service, 2);
    expect([entries[0]?.leafIndex, root.treeSize]).toEqual([size, size + 2]);
    if (before === undefined) return;
    expect(await service.root("default", size)).toEqual(before);
    expect(await service.consistency("default", size)).toEqual(VALID);
  });

  test("goes on where it was with tiles of two levels", async () => {
    const size = 256 * 256 + 257;
    await memory.fill(size);
    const service = await memory.open();
    const { root } = await logMessages(service, 1);
    const asked = { log: "default", treeSize: size + 1, leafIndexes: [0, 65_535, 65_536, size] };
    expect(await service.membershipProofs(asked)).toHaveLength(4);
    expect(root.treeSize).toBe(size + 1);
  });
});
