import { setTimeout as sleep } from "node:timers/promises";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { SegmentBlocks } from "../../../src/audit/block-store.js";
import { utf8 } from "../../../src/core/bytes.js";
import { storable } from "../../../src/engine/search/outline.js";
import { packed } from "../../../src/engine/search/packed.js";
import {
  mergeError,
  MergerClosed,
  MergeTooLarge,
  SegmentMerger,
  type MergeJob,
} from "../../../src/engine/search/segment-merger.js";
import { askOver, mergedBy } from "../../../src/engine/search/segment-merging.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { closedGate } from "../test-log.js";
import { neighbours, sparseSegment } from "../../core/segment/tall-segments.js";
import { yielding, yieldingThreads } from "./yielding-threads.js";

let children: readonly SegmentBlocks[];
beforeAll(() => {
  const root = nodeSha256(utf8("a base"));
  const below = Array.from({ length: 16 }, () => ({ blocks: 1, root }));
  children = neighbours([sparseSegment(0, 2_048)]).map((segment) => storable(segment, root, below));
});

let merger: SegmentMerger;
let staged: Map<number, Uint8Array>;
beforeEach(() => {
  [merger, staged] = [new SegmentMerger(), new Map<number, Uint8Array>()];
});
afterEach(() => merger.close());

const job = (more: Partial<MergeJob> = {}): MergeJob => ({
  children,
  isAwaited: true,
  read: (child, first, count) => Promise.resolve(children[child]?.contents.slice(first, first + count) ?? []),
  stage: (blocks) => {
    for (const { block, data } of blocks) staged.set(block, Uint8Array.from(data));
    return Promise.resolve();
  },
  ...more,
});

/** Resolves when so many of the lines to threads keep this process alive: what closes them is not waited for. */
async function untilHeld(count: number): Promise<void> {
  while (held() !== count) await sleep(5);
}
const held = (): number => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;

describe("the thread that merges large segments", () => {
  test("asks for the blocks of its children, gives each of its own away, and says what it made", async () => {
    const expected = new Map<number, Uint8Array>();
    const said = mergedBy(children, (call) => {
      if (call.kind === "read") {
        const { contents } = children[call.child] ?? nothing();
        return { kind: "blocks", blocks: packed(contents.slice(call.first, call.first + call.count)) };
      }
      const { bytes, ends } = call.blocks;
      call.numbers.forEach((number, at) => expected.set(number, bytes.slice(ends[at - 1] ?? 0, ends[at])));
      return { kind: "staged" };
    });
    const segment = await merger.merge(job());
    expect(said).toEqual({ kind: "merged", segment });
    expect([segment.blocks, segment.lastLeafHash]).toEqual([staged.size, children.at(-1)?.lastLeafHash]);
    expect(staged).toEqual(expected);
  });

  test.each<[string, Partial<MergeJob>]>([
    ["read", { read: () => Promise.reject(new Error("no luck")) }],
    ["stored", { stage: () => Promise.reject(new Error("no luck")) }],
  ])("ends where a block cannot be %s, and the next merge begins another", async (_, failing) => {
    const [failed, next] = [merger.merge(job(failing)), merger.merge(job())];
    await expect(failed).rejects.toThrow("no luck");
    expect(await next).toMatchObject({ level: 2, number: 0 });
    await untilHeld(0); // no thread is left that waits for a block
  });

  test("holds the process while somebody waits for it, or for the one behind it, and not otherwise", async () => {
    await untilHeld(0);
    const [begun, gate] = [closedGate(), closedGate()];
    const read: MergeJob["read"] = (...asked) => (begun.open(), gate.passed.then(() => job().read(...asked)));
    const first = merger.merge(job({ isAwaited: false, read }));
    await begun.passed;
    expect(held()).toBe(0);
    const during: number[] = [];
    const second = merger.merge(job({ stage: () => Promise.resolve(void during.push(held())) }));
    expect(held()).toBe(1);
    gate.open();
    await first;
    await second;
    expect(new Set(during)).toEqual(new Set([1]));
    await untilHeld(0);
  });

  test("gives way to those that answer requests, unless somebody waits for it", async () => {
    const before = yieldingThreads();
    const during = async (isAwaited: boolean): Promise<number> => {
      let most = 0;
      const stage = () => Promise.resolve(void (most = Math.max(most, yieldingThreads() - before)));
      await merger.merge(job({ isAwaited, stage }));
      return most;
    };
    expect([await during(true), await during(false)]).toEqual([0, yielding(1)]);
  });

  test("names a damaged child", async () => {
    const read: MergeJob["read"] = async (child, first, count) => {
      const blocks = await job().read(child, first, count);
      return child === 7 ? blocks.map((block) => block.map((byte) => byte ^ 1)) : blocks;
    };
    await expect(merger.merge(job({ read }))).rejects.toMatchObject({ name: "SegmentLost", segment: children[7] });
  });

  test("merges one after the other", async () => {
    const gate = closedGate();
    let isBegun = false;
    const first = merger.merge(job({ stage: () => gate.passed }));
    const read: MergeJob["read"] = (...asked) => ((isBegun = true), job().read(...asked));
    const second = merger.merge(job({ read }));
    const reading = closedGate();
    const third = merger.merge(job({ read: (...asked) => (reading.open(), job().read(...asked)) }));
    await Promise.resolve();
    expect(isBegun).toBe(false);
    gate.open();
    await Promise.all([first, second, reading.passed, third]);
    expect(isBegun).toBe(true);
  });

  test("is ended by close, which waits for it, and merges nothing more", async () => {
    const begun = closedGate();
    const waiting = merger.merge(job({ read: () => (begun.open(), new Promise(() => undefined)) }));
    const next = merger.merge(job());
    const refused = Promise.all([waiting, next].map((merge) => expect(merge).rejects.toThrow(MergerClosed)));
    await begun.passed;
    await merger.close();
    await refused;
    await expect(merger.merge(job())).rejects.toThrow(MergerClosed);
    expect(staged.size).toBe(0);
  });
});

test("a merge rejects with what its thread says: of a child, of its size, or else the reason", () => {
  const of = { children };
  expect(mergeError({ reason: "x", fault: { kind: "too-large" } }, of)).toBeInstanceOf(MergeTooLarge);
  const lost = mergeError({ reason: "x", fault: { kind: "damaged", child: 7 } }, of);
  expect(lost).toMatchObject({ name: "SegmentLost", segment: children[7] });
  expect(mergeError({ reason: "no luck", fault: undefined }, of)).toMatchObject({ name: "Error", message: "no luck" });
});

describe("a thread that asks", () => {
  const blocks = packed([utf8("one"), utf8("two")]);

  /** What it asks over, with the reply there already: it would stand still otherwise, and the test with it. */
  function answered(replies: readonly unknown[]) {
    const { port1: port, port2: other } = new MessageChannel();
    const signal = new Int32Array(new SharedArrayBuffer(4));
    for (const reply of replies) other.postMessage(reply);
    const close = (): void => {
      port.close();
    };
    const heard = (): unknown => (receiveMessageOnPort(other) as { message: unknown } | undefined)?.message;
    return { ask: askOver({ port, signal }), signal, heard, close };
  }

  test("takes the first reply to each of its calls", () => {
    const line = answered([{ kind: "blocks", blocks }, { kind: "staged" }]);
    const read = { kind: "read", child: 3, first: 4, count: 5 } as const;
    expect(line.ask(read)).toEqual({ kind: "blocks", blocks });
    expect(line.heard()).toEqual(read);
    const given = packed([utf8("three")]);
    expect(line.ask({ kind: "stage", numbers: [7], blocks: given })).toEqual({ kind: "staged" });
    expect(line.heard()).toMatchObject({ kind: "stage", numbers: [7], blocks: { ends: [5] } });
    expect(given.bytes).toHaveLength(0); // given away, not copied
    line.close();
  });
});

function nothing(): never {
  throw new Error("there is none");
}
