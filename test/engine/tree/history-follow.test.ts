import { beforeEach, expect, test } from "@jest/globals";
import { AuditError } from "../../../src/audit/errors.js";
import { replaced } from "../../../src/audit/calls.js";
import type { LogStore } from "../../../src/audit/store.js";
import { logFormat } from "../../../src/core/format.js";
import { History, type SignedRoot } from "../../../src/engine/tree/history.js";
import { restoreTree, type SignedTree, type TreeSource } from "../../../src/engine/tree/signed-tree.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { KEYRING } from "../../keyring.js";
import { logMessages, openTestService, ORIGIN } from "../test-log.js";

/** So that the root of an older size needs a tile. */
const SIZE = 300;
const OLDER = 100;

let source: TreeSource;
let tree: SignedTree;
let older: SignedRoot;
let looks: number;
beforeEach(async () => {
  const store = new MemoryLogStore();
  const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());
  source = { log: "default", store, format: logFormat("rfc6962", nodeSha256), key };
  const service = await openTestService({ store });
  const read = async (): Promise<SignedTree> => restoreTree(source, (await store.head("default")) ?? nothing());
  await logMessages(service, OLDER);
  const { edge, rootHash } = await read();
  older = { treeSize: edge.size, rootHash };
  await logMessages(service, SIZE - OLDER);
  tree = await read();
  looks = 0;
});

/** A history over a store whose tiles are read so. */
function historyOver(tiles: LogStore["tiles"]): History {
  const history = new History({
    ...{ source: { ...source, store: replaced<LogStore>(source.store, { tiles }) }, patienceMs: undefined },
    ...{ onBroken: () => undefined, onMended: () => undefined },
  });
  history.lookBy(() => Promise.resolve(void (looks += 1)));
  return history;
}

test("an older root that the tree leads to is no reason to look", async () => {
  const history = historyOver((...asked) => source.store.tiles(...asked));
  await history.follow(older, tree);
  expect([looks, history.isClear]).toEqual([0, true]);
});

test("a root of the tree's own size is compared with it at once", async () => {
  const history = historyOver((...asked) => source.store.tiles(...asked));
  history.require("known", { treeSize: SIZE, rootHash: tree.rootHash });
  expect(history.isClear).toBe(false);
  await history.assess(tree, source);
  expect(history.isClear).toBe(true);
  history.require("known", { treeSize: SIZE, rootHash: older.rootHash });
  await history.assess(tree, source);
  expect(() => {
    history.requireTrusted();
  }).toThrow(`has two signed roots of size ${SIZE}`);
  history.close();
});

test("of an older root nothing is said while the store does not answer", async () => {
  for (const error of [new Error("away"), new AuditError("UNAVAILABLE", "away")]) {
    const history = historyOver(() => Promise.reject(error));
    await expect(history.follow(older, tree)).rejects.toBe(error);
    expect([looks, history.isClear]).toEqual([0, true]);
  }
});

test("an older root is looked for where a tile above it is damaged: the store may be another server by now", async () => {
  const history = historyOver(async (...asked) =>
    (await source.store.tiles(...asked)).map((tile) => tile?.map((byte) => byte ^ 1)),
  );
  await history.follow(older, tree);
  expect([looks, history.isClear, history.isTrusted, history.requiredSize]).toEqual([1, false, true, OLDER]);
  history.close();
});

function nothing(): never {
  throw new Error("there is none");
}
