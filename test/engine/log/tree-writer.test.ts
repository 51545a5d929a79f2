import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { AuditError } from "../../../src/audit/errors.js";
import { replaced } from "../../../src/audit/calls.js";
import type { LogStore } from "../../../src/audit/store.js";
import { logFormat } from "../../../src/core/format.js";
import { LogTree } from "../../../src/engine/log/log-tree.js";
import { TreeWriter } from "../../../src/engine/log/tree-writer.js";
import { History } from "../../../src/engine/tree/history.js";
import { restoreTree, type SignedTree, type TreeSource } from "../../../src/engine/tree/signed-tree.js";
import { stampEvent } from "../../../src/engine/tree/stamped-entry.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { KEYRING } from "../../keyring.js";
import { expectCode, rejection } from "../rejection.js";
import { messages, NEW_YEAR, openTestService, ORIGIN } from "../test-log.js";

/** A server whose log has so many entries; those of two servers with one prefix are the same as far as both go. */
async function server(count: number, prefix = "event"): Promise<MemoryLogStore> {
  const store = new MemoryLogStore();
  const service = await openTestService({ store, clock: () => NEW_YEAR });
  if (count > 0) await service.append({ log: "default", events: messages(count, prefix), sign: false, path: "events" });
  await service.close();
  return store;
}

/** The server behind the store's address. */
let there: MemoryLogStore;
let source: TreeSource;
/** Of what is read beside the head. */
let snapshots: number;
let told: string[];
let history: History;
let known: LogTree;
let writer: TreeWriter;

const read = async (): Promise<SignedTree> => restoreTree(source, (await there.head("default")) ?? nothing());

/** Over a log of three entries. */
beforeEach(async () => {
  there = await server(3);
  [snapshots, told] = [0, []];
  const store = replaced<LogStore>(there, {
    head: (log) => there.head(log),
    leafHashes: (...asked) => there.leafHashes(...asked),
    canonicals: (...asked) => there.canonicals(...asked),
    tiles: (...asked) => there.tiles(...asked),
    confirm: (log) => there.confirm(log),
    snapshot: (look) => ((snapshots += 1), there.snapshot(look)),
  });
  const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());
  source = { log: "default", store, format: logFormat("rfc6962", nodeSha256), key };
  history = new History({
    ...{ source, patienceMs: 0 },
    onBroken: ({ code }) => told.push(code),
    onMended: () => told.push("mended"),
  });
  known = new LogTree({ source, tree: await read() });
  writer = new TreeWriter({ source, tree: known, history, onReplaced: () => told.push("replaced") });
});
afterEach(() => {
  history.close();
});

describe("a look at the store", () => {
  test("reads the head alone while it is that of the newest tree", async () => {
    await writer.reload();
    expect([snapshots, told]).toEqual([0, []]);
  });

  test("goes on from the newest tree where the store has grown", async () => {
    there = await server(5);
    await writer.reload();
    expect([known.newest.edge.size, snapshots, told]).toEqual([5, 1, []]);
  });

  test("reads the same size again where its root, or its checkpoint alone, is another", async () => {
    there = await server(3, "other");
    await writer.reload();
    expect([known.newest.rootHash, snapshots, told]).toEqual([(await read()).rootHash, 1, ["replaced"]]);
    const head = there.head.bind(there);
    there.head = async (log) => {
      const stored = (await head(log)) ?? nothing();
      return { ...stored, checkpoint: `${stored.checkpoint} ` };
    };
    await expectCode(writer.reload(), "LOG_CORRUPT");
    expect(snapshots).toBe(2);
  });

  test("of a store that fell back says at once that entries which were shown are lost", async () => {
    await known.confirmed();
    there = await server(2);
    await expectCode(writer.reload(), "ROOT_CONFLICT");
    expect([known.newest.edge.size, told]).toEqual([2, ["replaced", "ROOT_CONFLICT"]]);
    there = await server(4);
    await writer.reload();
    expect([known.newest.edge.size, told.at(-1)]).toEqual([4, "mended"]);
  });

  test("of a store that fell back loses nothing that nobody was shown", async () => {
    there = await server(2);
    await writer.reload();
    expect([known.newest.edge.size, history.isClear, told]).toEqual([2, true, ["replaced"]]);
  });

  test("finds what was signed elsewhere as soon as the store has it", async () => {
    const { edge, rootHash } = await restoreTree(
      { ...source, store: await server(5) },
      (await (await server(5)).head("default")) ?? nothing(),
    );
    history.require("published", { treeSize: edge.size, rootHash });
    there = await server(6);
    await writer.reload();
    expect([history.isClear, told]).toEqual([true, []]);
  });

  test("finds out when what was shown has another history", async () => {
    await known.confirmed();
    there = await server(4, "other");
    await expectCode(writer.reload(), "ROOT_CONFLICT");
    expect([known.newest.edge.size, told]).toEqual([3, ["ROOT_CONFLICT"]]);
  });

  test("does not mend by what was added a log that is found broken meanwhile", async () => {
    there = await server(5);
    const leafHashes = there.leafHashes.bind(there);
    there.leafHashes = (...asked) => {
      history.breakWith(new AuditError("LOG_CORRUPT", "damaged"));
      return leafHashes(...asked);
    };
    await expectCode(writer.reload(), "LOG_CORRUPT");
    expect(told).toEqual(["LOG_CORRUPT"]);
  });

  test("does not mend by a part of it a log that cannot be trusted", async () => {
    await known.confirmed();
    there = await server(3, "other");
    await expectCode(writer.reload(), "ROOT_CONFLICT");
    there = await server(3);
    await writer.reload();
    expect(told).toEqual(["ROOT_CONFLICT", "replaced", "mended"]);
  });
});

describe("an append that the store does not report", () => {
  test("is looked for at once, and again after 50, 200 and 1,000 ms", async () => {
    jest.useFakeTimers();
    try {
      const [looksMs, beganMs]: [number[], number] = [[], performance.now()];
      const store: LogStore = replaced<LogStore>(source.store, {
        append: () => Promise.reject(new Error("connection lost")),
        head: () => (looksMs.push(performance.now() - beganMs), Promise.reject(new Error("away"))),
        snapshot: (look) => look(store),
      });
      const away = { ...source, store };
      const events = [{ event: { message: "m" } }];
      const entries = events.map((event) => stampEvent(source.format, event, known.newest.lastReceivedAt));
      const request = { events, entries, requestKey: undefined, resolve: () => undefined, reject: () => undefined };
      const refused = rejection(new TreeWriter({ source: away, tree: known, history }).write([request]));
      await jest.advanceTimersByTimeAsync(60_000);
      expect(await refused).toMatchObject({ code: "UNAVAILABLE", outcome: "UNKNOWN" });
      expect(looksMs).toEqual([0, 50, 250, 1_250]);
    } finally {
      jest.useRealTimers();
    }
  });
});

function nothing(): never {
  throw new Error("there is none");
}
