import { beforeEach, describe, expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import type { Durability, LogStore } from "../../../src/audit/store.js";
import { logFormat } from "../../../src/core/format.js";
import { GrowthWatch, LogTree } from "../../../src/engine/log/log-tree.js";
import { restoreTree, type SignedTree, type TreeSource } from "../../../src/engine/tree/signed-tree.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { KEYRING } from "../../keyring.js";
import { logMessages, openTestService, ORIGIN } from "../test-log.js";

let source: TreeSource;
let confirmations: number;
let durability: Durability;
/** Of one entry, and of three. */
let [first, newest]: SignedTree[] = [];
beforeEach(async () => {
  [confirmations, durability] = [0, "durable"];
  const honest = new MemoryLogStore();
  const store = replaced<LogStore>(honest, {
    confirm: async (log) => ((confirmations += 1), { ...(await honest.confirm(log)), durability }),
  });
  const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());
  source = { log: "default", store, format: logFormat("rfc6962", nodeSha256), key };
  const service = await openTestService({ store: honest });
  const read = async (): Promise<SignedTree> => restoreTree(source, (await honest.head("default")) ?? nothing());
  await logMessages(service, 1);
  first = await read();
  await logMessages(service, 2);
  newest = await read();
  await service.close();
});

/** A log's tree, and the sizes of those that were shown, and told as durable. */
function treeOf(tree = first ?? nothing()) {
  const told: string[] = [];
  const known: LogTree = new LogTree({
    ...{ source, tree },
    onShown: () => told.push(`shown ${known.shown?.edge.size}`),
    onDurable: ({ edge }) => told.push(`durable ${edge.size}`),
  });
  return { known, told };
}

describe("a log's newest tree", () => {
  test("is confirmed once, and told of once, even when it is of one entry", async () => {
    const { known, told } = treeOf();
    for (let times = 0; times < 2; times++) expect((await known.confirmed()).edge.size).toBe(1);
    known.appended(first ?? nothing());
    expect([confirmations, told]).toEqual([1, ["shown 1", "durable 1"]]);
  });

  test("is confirmed again when it took another's place", async () => {
    const { known } = treeOf();
    await known.confirmed();
    known.replaced(first ?? nothing());
    expect(known.shown).toBeUndefined();
    await known.confirmed();
    expect(confirmations).toBe(2);
  });

  test("need not be confirmed for a size that is durable already", async () => {
    const { known, told } = treeOf();
    known.appended(first ?? nothing());
    known.extended(newest ?? nothing());
    await known.require(1);
    expect(confirmations).toBe(0);
    await known.require(2);
    expect([confirmations, told]).toEqual([1, ["shown 1", "durable 1", "shown 3", "durable 3"]]);
  });

  test("is shown by a replica, once, and required of it by nobody", async () => {
    durability = "replica";
    const { known, told } = treeOf(newest);
    for (let times = 0; times < 2; times++) await known.confirmed();
    expect([confirmations, told]).toEqual([2, ["shown 3"]]);
    await expect(known.require(1)).rejects.toThrow("The database is a replica");
  });
});

describe("who waits for growth", () => {
  test("waits no more when nobody wants it", async () => {
    await new GrowthWatch().next(AbortSignal.abort());
  });

  test("is told why it cannot be seen any more, by the very error", async () => {
    const watch = new GrowthWatch();
    const [waiting, error] = [watch.next(new AbortController().signal), new TypeError("gone")];
    watch.fail(error);
    await expect(waiting).rejects.toBe(error);
  });
});

function nothing(): never {
  throw new Error("there is none");
}
