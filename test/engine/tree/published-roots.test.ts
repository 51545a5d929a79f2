import { beforeEach, describe, expect, test } from "@jest/globals";
import type { CachedRoot, RootCache } from "../../../src/audit/cache.js";
import { AuditError } from "../../../src/audit/errors.js";
import { replaced } from "../../../src/audit/calls.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { logFormat } from "../../../src/core/format.js";
import { TreeEdge } from "../../../src/core/tree.js";
import { CachedRoots } from "../../../src/engine/tree/cached-roots.js";
import { History } from "../../../src/engine/tree/history.js";
import type { SignedTree } from "../../../src/engine/tree/signed-tree.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { KEYRING } from "../../keyring.js";
import { closedGate, ORIGIN } from "../test-log.js";

const format = logFormat("rfc6962", nodeSha256);
const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());
const source = { log: "default", store: new MemoryLogStore(), format, key };

function treeOf(size: number): SignedTree {
  const leaves = Array.from({ length: size }, (_, leaf) => nodeSha256(Uint8Array.of(leaf)));
  const { edge } = TreeEdge.empty(format).append(leaves);
  const rootHash = edge.root();
  return { edge, rootHash, checkpoint: key.sign(size, rootHash), lastReceivedAt: `time ${size}` };
}

const rootOf = (size: number, treeSize = size): CachedRoot => ({
  ...{ log: "default", treeSize, checkpoint: treeOf(size).checkpoint, publishedAt: "", seal: "" },
});

let cache: RootCache;
/** What the cache says that was last put as the newest. */
let remembered: CachedRoot | undefined;
/** The sizes of roots that the history was given to follow, and those that were put as the newest. */
let [followed, put]: [number[], number[]] = [[], []];
let follow: () => Promise<void>;
let isClear: boolean;
let roots: CachedRoots;
beforeEach(() => {
  [remembered, followed, put, isClear] = [undefined, [], [], true];
  follow = () => Promise.resolve();
  cache = replaced<RootCache>(new MemoryRootCache(), {
    remembered: () => Promise.resolve(remembered),
    putNewest: ({ treeSize }) => {
      put.push(treeSize);
      return Promise.resolve(undefined);
    },
  });
  const known = new Proxy(clear(), {
    get: (_, name) => {
      if (name === "isClear") return isClear;
      return ({ treeSize }: { readonly treeSize: number }) => (followed.push(treeSize), follow());
    },
  });
  roots = new CachedRoots({ source, cache, history: known, secret: new Uint8Array(32) });
});

const turns = async (): Promise<void> => {
  for (let at = 0; at < 30; at++) await Promise.resolve();
};

describe("the root that a cache remembers", () => {
  test("is followed once, however many ask for that", async () => {
    remembered = rootOf(3);
    await Promise.all([roots.compare(treeOf(5)), roots.compare(treeOf(5))]);
    await roots.compare(treeOf(5));
    expect(followed).toEqual([3]);
  });

  test("is asked for again while there is none, and after the store did not answer", async () => {
    await roots.compare(undefined);
    remembered = rootOf(3);
    follow = () => Promise.reject(new Error("away"));
    await expect(roots.compare(undefined)).rejects.toThrow("away");
    follow = () => Promise.resolve();
    await roots.compare(undefined);
    await roots.compare(undefined);
    expect(followed).toEqual([3, 3]);
  });

  test.each([
    ["of no entries", () => rootOf(0)],
    ["of another size than it signs", () => rootOf(3, 4)],
    ["that nobody signed", () => ({ ...rootOf(3), checkpoint: "" })],
  ])("is not followed when it is one %s", async (_, root) => {
    remembered = root();
    await roots.compare(undefined);
    remembered = rootOf(3);
    await roots.compare(undefined);
    expect(followed).toEqual([]);
  });
});

describe("new roots", () => {
  test("are published one after the other, of those in quick succession the newest alone", async () => {
    const gate = closedGate();
    const slow = replaced<RootCache>(cache, {
      putNewest: async (root) => {
        put.push(root.treeSize);
        await gate.passed;
        return undefined;
      },
    });
    roots = new CachedRoots({ source, cache: slow, history: clear(), secret: new Uint8Array(32) });
    for (const size of [1, 2]) roots.publish(treeOf(size));
    await turns();
    for (const size of [3, 4]) roots.publish(treeOf(size));
    await turns();
    expect(put).toEqual([1]);
    gate.open();
    await turns();
    expect(put).toEqual([1, 4]);
    roots.publish(treeOf(5));
    await turns();
    expect(put).toEqual([1, 4, 5]);
  });

  test("are not published where the log does not hold all that was signed, and are when it does again", async () => {
    isClear = false;
    roots.publish(treeOf(3));
    await turns();
    expect(put).toEqual([]);
    isClear = true;
    roots.publish(treeOf(4));
    await turns();
    expect(put).toEqual([4]);
  });

  test("are published though the store cannot be compared with what is remembered", async () => {
    remembered = rootOf(3);
    follow = () => Promise.reject(new Error("away"));
    roots.publish(treeOf(4));
    await turns();
    expect([followed, put]).toEqual([[3], [4]]);
  });

  test("have the time of their last entry, and are none while that is not known", async () => {
    expect(roots.of(treeOf(3))).toMatchObject({ treeSize: 3, publishedAt: "time 3" });
    const changed = { ...treeOf(3), isLastChanged: true as const };
    expect(() => roots.of(changed)).toThrow(
      new AuditError("ENTRY_CORRUPT", "Entry 2 of the log default, whose time is needed here, was changed."),
    );
    roots.publish(changed);
    await turns();
    expect(put).toEqual([]);
  });

  test.each([
    ["larger", 9, [4, 9]],
    ["as large", 4, [4]],
    ["smaller", 3, [4]],
  ])("that took the place of a %s one: %i", async (_, size, expected) => {
    const before = [rootOf(size, 99)];
    const late = replaced<RootCache>(cache, {
      putNewest: ({ treeSize }) => {
        put.push(treeSize);
        return Promise.resolve(before.pop());
      },
    });
    roots = new CachedRoots({ source, cache: late, history: clear(), secret: new Uint8Array(32) });
    roots.publish(treeOf(4));
    await turns();
    expect(put).toEqual(expected);
  });
});

test("a root of no entries gives way to nothing that nobody signed", async () => {
  const before = [{ ...rootOf(3), checkpoint: "" }];
  const late = replaced<RootCache>(cache, {
    putNewest: ({ treeSize }) => {
      put.push(treeSize);
      return Promise.resolve(before.pop());
    },
  });
  roots = new CachedRoots({ source, cache: late, history: clear(), secret: new Uint8Array(32) });
  roots.publish(treeOf(0));
  await turns();
  expect(put).toEqual([0]);
});

function clear(): History {
  const nothing = (): void => undefined;
  return new History({ source, patienceMs: undefined, onBroken: nothing, onMended: nothing });
}
