import { beforeEach, describe, expect, test } from "@jest/globals";
import { AuditError } from "../../../src/audit/errors.js";
import { replaced } from "../../../src/audit/calls.js";
import type { LogStore } from "../../../src/audit/store.js";
import { logFormat } from "../../../src/core/format.js";
import { TreeReading, type TreeReadingOptions } from "../../../src/engine/log/log-tree.js";
import { History } from "../../../src/engine/tree/history.js";
import { TreeReaders } from "../../../src/engine/tree/prover.js";
import { restoreTree, type SignedTree, type TreeSource } from "../../../src/engine/tree/signed-tree.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { KEYRING } from "../../keyring.js";
import { expectCode } from "../rejection.js";
import { logMessages, openTestService, ORIGIN } from "../test-log.js";

const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());
const DAMAGE = new AuditError("LOG_CORRUPT", "tile 0/0 was changed");

async function sourceOf(size: number): Promise<TreeSource> {
  const store = new MemoryLogStore();
  const service = await openTestService({ store, clock: () => 1_767_225_600_000_000 });
  await logMessages(service, size);
  await service.close();
  return { log: "default", store, format: logFormat("rfc6962", nodeSha256), key };
}

async function treeOf(source: TreeSource): Promise<SignedTree> {
  const head = await source.store.head("default");
  if (head === undefined) throw new Error("a log");
  return restoreTree(source, head);
}

let ours: TreeSource;
/** What the store's address leads to. */
let there: LogStore;
let looks: number;
let look: () => Promise<void>;
let history: History;
let readers: TreeReaders;
beforeEach(async () => {
  [ours, looks, look] = [await sourceOf(5), 0, () => Promise.resolve()];
  there = ours.store;
  history = new History({ source: ours, patienceMs: 0, onBroken: () => undefined, onMended: () => undefined });
  readers = new TreeReaders(ours);
});

function reading(more: Partial<TreeReadingOptions> = {}): TreeReading {
  const store = replaced<LogStore>(ours.store, { snapshot: (run) => there.snapshot(run) });
  const looking = (): Promise<void> => ((looks += 1), look());
  return new TreeReading({ source: { ...ours, store }, look: looking, readers, history, sharedStore: true, ...more });
}

/** Says who read, in which order: `first`, or one of a snapshot. */
function damagedFirst(by: string[]): (from: TreeReaders, tree: SignedTree) => Promise<number> {
  return (from, tree) => {
    by.push(from === readers ? "first" : "again");
    return from === readers ? Promise.reject(DAMAGE) : Promise.resolve(tree.edge.size);
  };
}

describe("a read that finds damage", () => {
  test("is repeated in one snapshot, and counts when the log there extends the tree", async () => {
    const by: string[] = [];
    const tree = await treeOf(ours);
    expect(await reading().of({ locate: () => Promise.resolve(tree), read: damagedFirst(by) })).toBe(5);
    expect([by, looks]).toEqual([["first", "again"], 0]);
    const always = reading().of({ locate: () => Promise.resolve(tree), read: () => Promise.reject(DAMAGE) });
    await expectCode(always, "LOG_CORRUPT");
  });

  test("names damage in its result too", async () => {
    const tree = await treeOf(ours);
    const read = (from: TreeReaders): Promise<string> => Promise.resolve(from === readers ? "corrupt" : "sound");
    const isDamaged = (result: string): boolean => result === "corrupt";
    const locate = (): Promise<SignedTree> => Promise.resolve(tree);
    expect(await reading().of({ locate, read, isDamaged })).toBe("sound");
    expect(await reading().of({ locate, read })).toBe("corrupt");
  });

  test("looks where the store is when it is elsewhere, and reads the tree of there", async () => {
    const shorter = await sourceOf(2);
    there = shorter.store;
    let tree = await treeOf(ours);
    look = async () => {
      tree = await treeOf(shorter);
    };
    const by: string[] = [];
    expect(await reading().of({ locate: () => Promise.resolve(tree), read: damagedFirst(by) })).toBe(2);
    expect([by, looks]).toEqual([["first", "again"], 1]);
  });

  test("is refused after three looks, of which no tree was there", async () => {
    there = (await sourceOf(2)).store;
    const by: string[] = [];
    const tree = await treeOf(ours);
    const refused = reading().of({ locate: () => Promise.resolve(tree), read: damagedFirst(by) });
    await expectCode(refused, "UNAVAILABLE");
    expect([by, looks]).toEqual([["first"], 3]);
  });

  test.each([
    ["where nobody else writes to the store", { sharedStore: false }, DAMAGE],
    ["for another reason", {}, new AuditError("UNAVAILABLE", "away")],
  ])("is not repeated %s", async (_, options, error) => {
    const tree = await treeOf(ours);
    let reads = 0;
    const read = (): Promise<never> => ((reads += 1), Promise.reject(error));
    await expectCode(reading(options).of({ locate: () => Promise.resolve(tree), read }), error.code);
    expect([reads, looks]).toEqual([1, 0]);
  });

  test("is not repeated in a log that cannot be trusted", async () => {
    history.breakWith(DAMAGE);
    const by: string[] = [];
    const tree = await treeOf(ours);
    await expectCode(reading().of({ locate: () => Promise.resolve(tree), read: damagedFirst(by) }), "LOG_CORRUPT");
    expect(by).toEqual(["first"]);
    history.close();
  });
});
