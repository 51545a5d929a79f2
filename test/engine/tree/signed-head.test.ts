import { beforeAll, describe, expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import { AuditError } from "../../../src/audit/errors.js";
import type { LogHead } from "../../../src/audit/store.js";
import { logFormat } from "../../../src/core/format.js";
import {
  checkpointEdge,
  extendTree,
  leadsTo,
  restoreTree,
  type SignedTree,
  type TreeView,
} from "../../../src/engine/tree/signed-tree.js";
import { keyringOfSeed } from "../../../src/keys/keyring.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { KEYRING } from "../../keyring.js";
import { expectCode } from "../rejection.js";
import { fill, openTestService, ORIGIN } from "../test-log.js";

const name = `${ORIGIN}/default`;
const key = new LogKey(name, KEYRING, nodeEd25519());
const stranger = new LogKey(name, keyringOfSeed(new Uint8Array(32).fill(8)), nodeEd25519());
const other = new LogKey(`${ORIGIN}/other`, KEYRING, nodeEd25519());

let source: TreeView;
let older: LogHead;
let newest: LogHead;
let tree: SignedTree;

beforeAll(async () => {
  const store = new MemoryLogStore();
  source = { log: "default", store, format: logFormat("rfc6962", nodeSha256), key };
  const service = await openTestService({ store });
  const head = async (): Promise<LogHead> => (await store.head("default")) ?? nothing();
  await fill(service, 3);
  older = await head();
  await fill(service, 300);
  newest = await head();
  tree = await restoreTree(source, older);
});

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte));

/** What a thief of the store, without the key, may write as the newest head. */
const FORGED: readonly (readonly [string, () => LogHead])[] = [
  ["signed by a stranger", () => ({ ...newest, checkpoint: stranger.sign(newest.size, newest.rootHash) })],
  ["signed as another log's", () => ({ ...newest, checkpoint: other.sign(newest.size, newest.rootHash) })],
  ["not signed", () => ({ ...newest, checkpoint: "" })],
  ["with an older checkpoint", () => ({ ...newest, checkpoint: older.checkpoint })],
  ["of another size than it signed", () => ({ ...newest, size: newest.size - 1 })],
  ["of another root than it signed", () => ({ ...newest, rootHash: flipped(newest.rootHash) })],
];

describe("a head that the log did not sign", () => {
  test.each(FORGED)("%s is not the head of its tree", async (_, forged) => {
    await expectCode(restoreTree(source, forged()), "LOG_CORRUPT");
    await expectCode(extendTree(source, tree, forged()), "LOG_CORRUPT");
    expect(await leadsTo(source, forged(), tree.edge)).toBe(false);
    // Nor where it says what is known already.
    const whole = await restoreTree(source, newest);
    await expectCode(extendTree(source, whole, forged()), "LOG_CORRUPT");
    expect(await leadsTo(source, forged(), whole.edge)).toBe(false);
  });

  test("is told by whom it should be signed", async () => {
    const forged = { ...newest, checkpoint: stranger.sign(newest.size, newest.rootHash) };
    await expect(restoreTree(source, forged)).rejects.toThrow(
      `its head is not signed by this gateway's key as ${name}`,
    );
  });

  test("has the edge that its checkpoint signs, if the log signed that", async () => {
    const sizeOf = async (head: LogHead): Promise<number | undefined> => (await checkpointEdge(source, head))?.size;
    expect(await sizeOf(newest)).toBe(303);
    expect(await sizeOf({ ...newest, size: 7, rootHash: flipped(newest.rootHash) })).toBe(303);
    expect(await sizeOf({ ...newest, checkpoint: older.checkpoint })).toBe(3);
    expect(await sizeOf({ ...newest, checkpoint: stranger.sign(303, newest.rootHash) })).toBeUndefined();
    expect(await sizeOf({ ...newest, checkpoint: key.sign(303, flipped(newest.rootHash)) })).toBeUndefined();
    expect(await sizeOf({ ...newest, checkpoint: key.sign(304, newest.rootHash) })).toBeUndefined();
  });
});

test.each([255, 256, 257, 512])("the tree of %i entries is made again from their texts", async (size) => {
  const store = new MemoryLogStore();
  await fill(await openTestService({ store }), size);
  const head = (await store.head("default")) ?? nothing();
  const damaged = replaced<TreeView["store"]>(store, {
    leafHashes: async (...asked) => flipped(await store.leafHashes(...asked)),
    tiles: async (...asked) => (await store.tiles(...asked)).map((tile) => tile?.map((byte) => byte ^ 1)),
  });
  const alarms: string[] = [];
  const { edge } = await restoreTree({ ...source, store: damaged }, head, (text) => void alarms.push(text));
  expect([edge.size, edge.root(), alarms.length]).toEqual([size, head.rootHash, 1]);
});

describe("a head that the log signed", () => {
  test.each([new Error("away"), new AuditError("UNAVAILABLE", "away")])(
    "is not judged while the store is away: %s",
    async (error) => {
      const away = {
        ...source,
        store: replaced<TreeView["store"]>(source.store, { leafHashes: () => Promise.reject(error) }),
      };
      await expect(restoreTree(away, newest)).rejects.toBe(error);
      await expect(checkpointEdge(away, newest)).rejects.toBe(error);
      await expect(leadsTo(away, newest, tree.edge)).rejects.toBe(error);
    },
  );

  test("is that of its tree, and leads on from an older one", async () => {
    const whole = await restoreTree(source, newest);
    expect([whole.edge.size, whole.rootHash, whole.checkpoint]).toEqual([303, newest.rootHash, newest.checkpoint]);
    expect(await extendTree(source, tree, newest)).toEqual(whole);
    expect(await extendTree(source, whole, newest)).toBe(whole);
    expect(await leadsTo(source, newest, tree.edge)).toBe(true);
    expect(await leadsTo(source, newest, whole.edge)).toBe(true);
  });

  test("does not lead back, nor to what is stored elsewhere", async () => {
    const whole = await restoreTree(source, newest);
    expect(await leadsTo(source, older, whole.edge)).toBe(false);
    expect(await leadsTo(source, undefined, tree.edge)).toBe(false);
    const elsewhere = { ...newest, rootHash: flipped(newest.rootHash) };
    const signed = { ...elsewhere, checkpoint: key.sign(newest.size, elsewhere.rootHash) };
    await expectCode(restoreTree(source, signed), "LOG_CORRUPT");
    await expectCode(extendTree(source, tree, signed), "LOG_CORRUPT");
    expect(await leadsTo(source, signed, tree.edge)).toBe(false);
  });
});

function nothing(): never {
  throw new Error("no head");
}
