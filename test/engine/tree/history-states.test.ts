import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { AuditError } from "../../../src/audit/errors.js";
import type { LogReads } from "../../../src/audit/store.js";
import { replaced } from "../../../src/audit/calls.js";
import { logFormat } from "../../../src/core/format.js";
import { History, type SignedRoot } from "../../../src/engine/tree/history.js";
import { restoreTree, type SignedTree, type TreeSource } from "../../../src/engine/tree/signed-tree.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { KEYRING } from "../../keyring.js";
import { expectCode } from "../rejection.js";
import { closedGate, messages, openTestService, ORIGIN } from "../test-log.js";

const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());

interface Read {
  readonly source: TreeSource;
  /** The same log at 3 and at 9 entries. */
  readonly small: SignedTree;
  readonly large: SignedTree;
}

async function read(prefix: string): Promise<Read> {
  const store = new MemoryLogStore();
  const source = { log: "default", store, format: logFormat("rfc6962", nodeSha256), key };
  const service = await openTestService({ store });
  const grown = async (count: number): Promise<SignedTree> => {
    await service.append({ log: "default", events: messages(count, prefix), sign: false, path: "events" });
    const head = await store.head("default");
    if (head === undefined) throw new Error("a log");
    return restoreTree(source, head);
  };
  const [small, large] = [await grown(3), await grown(6)];
  await service.close();
  return { source, small, large };
}

let ours: Read;
let others: Read;
beforeAll(async () => {
  [ours, others] = [await read("ours"), await read("others")];
});

const rootOf = ({ edge, rootHash }: SignedTree): SignedRoot => ({ treeSize: edge.size, rootHash });

let told: string[];
let looks: number;
let look: () => Promise<void>;
let history: History;
function begin(patienceMs?: number): void {
  history = new History({
    ...{ source: ours.source, patienceMs },
    onBroken: (error) => told.push(error.code),
    onMended: () => told.push("mended"),
  });
  history.lookBy(() => ((looks += 1), look()));
}
beforeEach(() => {
  jest.useFakeTimers();
  [told, looks, look] = [[], 0, () => Promise.resolve()];
  begin();
});
afterEach(() => {
  history.close();
  jest.useRealTimers();
});

const assess = (tree: SignedTree, view: LogReads = ours.source.store): Promise<void> =>
  history.assess(tree, { ...ours.source, store: view });
/** Why the log may not be written, why it may not be read, and whether it holds everything signed. */
function state(): readonly unknown[] {
  const code = (run: () => void): unknown => {
    try {
      run();
      return undefined;
    } catch (error) {
      return error instanceof AuditError ? error.code : error;
    }
  };
  const [writing, reading] = [
    () => {
      history.requireWritable();
    },
    () => {
      history.requireTrusted();
    },
  ].map(code);
  expect(history.obstacle?.code).toBe(writing);
  expect(history.isTrusted).toBe(reading === undefined);
  return [writing, reading, history.isClear];
}
const CLEAR = [undefined, undefined, true];
const BEHIND = ["UNAVAILABLE", undefined, false];
const CONFLICT = ["ROOT_CONFLICT", "ROOT_CONFLICT", false];

describe("what was signed", () => {
  test("hinders nothing where nothing was signed elsewhere", async () => {
    expect([state(), history.requiredSize]).toEqual([CLEAR, 0]);
    await assess(ours.small);
    expect([state(), told]).toEqual([CLEAR, []]);
  });

  test("and is not in the store yet is waited for, until the store has it", async () => {
    history.require("published", rootOf(ours.large));
    expect([state(), history.requiredSize]).toEqual([BEHIND, 9]);
    expect(history.obstacle?.message).toBe("The store is behind the log default: a signed root has size 9. Try again.");
    await assess(ours.small);
    expect(state()).toEqual(BEHIND);
    await assess(ours.large);
    expect([state(), history.requiredSize, told]).toEqual([CLEAR, 0, []]);
  });

  test("is the newest of published roots, and the first that is required for another reason", async () => {
    history.require("published", rootOf(ours.small));
    history.require("published", rootOf(ours.large));
    history.require("published", rootOf(ours.small));
    expect(history.requiredSize).toBe(9);
    await assess(ours.large);
    history.require("known", rootOf(ours.small));
    history.require("known", rootOf(ours.large));
    expect(history.requiredSize).toBe(3);
  });

  test("and is another root of a size that the store has is a conflict, until the store has that one", async () => {
    history.require("published", rootOf(others.small));
    await assess(ours.large);
    expect([state(), told]).toEqual([CONFLICT, ["ROOT_CONFLICT"]]);
    expect(history.obstacle?.message).toMatch(/^The log default has two signed roots of size 3\. Nothing is written/);
    await assess(ours.large);
    expect(told).toEqual(["ROOT_CONFLICT"]);
    await assess(others.large, others.source.store);
    expect([state(), told]).toEqual([CLEAR, ["ROOT_CONFLICT", "mended"]]);
  });

  test("and is required while the store is read is looked for too", async () => {
    history.require("published", rootOf(ours.small));
    const assessed = assess(ours.large);
    history.require("known", rootOf(others.small));
    await assessed;
    expect(state()).toEqual(CONFLICT);
  });
});

describe("a store that stays behind", () => {
  const standby = (isIt: boolean): LogReads =>
    replaced<LogReads>(ours.source.store, { isStandby: () => Promise.resolve(isIt) });

  test("has lost entries when its time is over, and not before", async () => {
    begin(3_600_000);
    history.require("published", rootOf(ours.large));
    for (let i = 0; i < 3; i++) await assess(ours.small, standby(false));
    expect(state()).toEqual(BEHIND);
    history.close();
    begin(0);
    history.require("published", rootOf(ours.large));
    await assess(ours.small, standby(false));
    expect(state()).toEqual(CONFLICT);
    expect(history.obstacle?.message).toMatch(/^The log default has 3 entries, and a signed root of size 9\./);
  });

  test("has lost them after five seconds without a break, if not told otherwise", async () => {
    history.require("published", rootOf(ours.large));
    const after = async (ms: number, view: LogReads): Promise<void> => {
      jest.advanceTimersByTime(ms);
      await assess(ours.small, view);
      expect(state()).toEqual(BEHIND);
    };
    await after(0, standby(false));
    await after(4_999, standby(true)); // the time begins again
    await after(4_999, standby(false));
    await after(4_999, standby(false));
    await assess(ours.large);
    history.require("published", rootOf(ours.large)); // and once more
    await after(1, standby(false));
    await after(4_999, standby(false));
    jest.advanceTimersByTime(1);
    await assess(ours.small, standby(false));
    expect(state()).toEqual(CONFLICT);
  });

  test("is only slow where it is a standby", async () => {
    begin(0);
    history.require("published", rootOf(ours.large));
    for (let i = 0; i < 3; i++) await assess(ours.small, standby(true));
    expect([state(), told]).toEqual([BEHIND, []]);
  });
});

describe("a log that is found damaged", () => {
  const damage = new AuditError("LOG_CORRUPT", "tile 0/7 is missing");

  test("says so once, with the first reason, until it was read as a whole", async () => {
    history.breakWith(damage);
    history.breakWith(new AuditError("ROOT_CONFLICT", "later"));
    expect([state(), told]).toEqual([["LOG_CORRUPT", "LOG_CORRUPT", false], ["LOG_CORRUPT"]]);
    await assess(ours.large);
    expect([state(), told]).toEqual([CLEAR, ["LOG_CORRUPT", "mended"]]);
  });

  test("with a rival root is mended by the store that has that one alone", async () => {
    history.breakWith(damage, rootOf(others.small));
    await assess(ours.large);
    expect(state()).toEqual(["LOG_CORRUPT", "LOG_CORRUPT", false]);
    await assess(others.large, others.source.store);
    expect(state()).toEqual(CLEAR);
  });

  test("is one with two roots of a size", () => {
    history.requireSame(rootOf(ours.small), ours.small.rootHash);
    expect(state()).toEqual(CLEAR);
    expect(() => {
      history.requireSame(rootOf(others.small), ours.small.rootHash);
    }).toThrow("The log default has two signed roots of size 3: ");
    expect([state(), history.requiredSize]).toEqual([CONFLICT, 3]);
    expect(history.diverged(4, ours.small).message).toMatch(
      /^The log default has a signed root of size 4 that does not extend that of size 3\./,
    );
  });
});

describe("a log that may not be written is looked at", () => {
  const damage = new AuditError("LOG_CORRUPT", "tile 0/7 is missing");
  const looksAfter = async (ms: number): Promise<number> => {
    await jest.advanceTimersByTimeAsync(ms);
    return looks;
  };

  test("every second while the store is behind, also after a look that failed, and no more once it is not", async () => {
    history.require("published", rootOf(ours.large));
    look = () => Promise.reject(new Error("away"));
    expect([await looksAfter(999), await looksAfter(1), await looksAfter(999), await looksAfter(1)]).toEqual([
      0, 1, 1, 2,
    ]);
    look = () => assess(ours.large);
    expect([await looksAfter(1_000), await looksAfter(60_000), jest.getTimerCount()]).toEqual([3, 3, 0]);
  });

  test("every five seconds while it cannot be trusted", async () => {
    history.breakWith(damage);
    expect([await looksAfter(4_999), await looksAfter(1), await looksAfter(5_000)]).toEqual([0, 1, 2]);
  });

  test("not at all when something else has mended it before", async () => {
    history.require("published", rootOf(ours.large));
    await assess(ours.large);
    expect(await looksAfter(60_000)).toBe(0);
  });

  test("once at a time, for however many reasons", async () => {
    const gate = closedGate();
    look = () => gate.passed;
    history.require("published", rootOf(ours.large));
    history.require("known", rootOf(ours.small));
    history.breakWith(damage);
    expect(await looksAfter(60_000)).toBe(1);
    history.require("rival", rootOf(others.small));
    expect(await looksAfter(60_000)).toBe(1);
    gate.open();
    expect([await looksAfter(4_999), await looksAfter(1)]).toEqual([1, 2]);
  });

  test("no more when it is closed, whatever is found then", async () => {
    history.require("published", rootOf(ours.large));
    history.close();
    expect(jest.getTimerCount()).toBe(0);
    history.breakWith(damage);
    expect([await looksAfter(60_000), jest.getTimerCount()]).toEqual([0, 0]);
  });
});

describe("a root that another gateway published", () => {
  test("is no reason to look where the tree leads to it", async () => {
    await history.follow(rootOf(ours.small), ours.large);
    expect([looks, state()]).toEqual([0, CLEAR]);
  });

  test.each([
    ["is larger than the tree", () => rootOf(ours.large), () => ours.small],
    ["is another one", () => rootOf(others.small), () => ours.large],
    ["comes before a tree was read", () => rootOf(ours.small), () => undefined],
  ])("is looked for where it %s", async (_, root, tree) => {
    await history.follow(root(), tree());
    expect([looks, state(), history.requiredSize]).toEqual([1, BEHIND, root().treeSize]);
  });

  test("is told where the look finds damage, and nothing of the log where the store does not answer", async () => {
    look = () => Promise.reject(new AuditError("UNAVAILABLE", "away"));
    await expectCode(history.follow(rootOf(ours.large), ours.small), "UNAVAILABLE");
    expect(state()).toEqual(BEHIND);
    look = () => Promise.reject(new AuditError("LOG_CORRUPT", "damaged"));
    await history.follow(rootOf(ours.large), ours.small);
    expect(state()).toEqual(["LOG_CORRUPT", "LOG_CORRUPT", false]);
  });
});
