import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { nobleSha256 } from "../../../src/core/bytes.js";
import { segmentRoot } from "../../../src/core/segment/format.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import type { IndexedEntry } from "../../../src/core/words/entry-terms.js";
import { GroupTooLarge } from "../../../src/core/segment/term-table.js";
import { Outline, storable } from "../../../src/engine/search/outline.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { SegmentLost } from "../../../src/engine/search/open-segment.js";
import { SerialThread } from "../../../src/engine/search/serial-thread.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { entryAt, groupOf } from "../../core/segment/corpus.js";
import { neighbours, sparseSegment } from "../../core/segment/tall-segments.js";
import { ownThreadMaker } from "./own-thread.js";
import { yielding, yieldingThreads } from "./yielding-threads.js";

const GROUP = 4_096;
const maker = new SegmentMaker();
afterEach(() => maker.close());

async function* entriesFrom(first: number, count = GROUP): AsyncGenerator<readonly IndexedEntry[]> {
  for (let leaf = first; leaf < first + count; leaf += 1_000) {
    const end = Math.min(leaf + 1_000, first + count);
    yield await Promise.resolve(Array.from({ length: end - leaf }, (_, place) => entryAt(leaf + place)));
  }
}

describe("the thread that makes segments of few entries", () => {
  const some = Array.from({ length: 5 }, (_, place) => entryAt(300 + place));

  test("makes the base that is made without a thread, whatever the pieces in which its entries come", async () => {
    const expected = await ownThreadMaker().base(300, [some]);
    expect(expected).toMatchObject({ level: 0, number: 1 });
    for (const pieces of [[some], [some.slice(0, 2), some.slice(2)], some.map((one) => [one])])
      expect(await maker.base(300, pieces)).toEqual(expected);
    const other = await maker.base(300, [some.slice(1)]);
    expect(other.blocks).not.toEqual(expected.blocks);
  });

  test("makes one after the other, also after one of which the entries did not come", async () => {
    async function* failing(): AsyncGenerator<readonly IndexedEntry[]> {
      yield await Promise.resolve(some);
      throw new Error("away");
    }
    const [first, second] = [maker.base(300, failing()), maker.base(300, [some])];
    await expect(first).rejects.toThrow("away");
    expect(await second).toEqual(await ownThreadMaker().base(300, [some]));
  });

  test("gives way to those that answer requests where it is told to", async () => {
    const before = yieldingThreads();
    const after: number[] = [];
    for (const isBackground of [false, true]) {
      const one = new SegmentMaker({ isBackground });
      await one.base(300, [some]);
      after.push(yieldingThreads() - before);
      await one.close();
    }
    expect(after).toEqual([0, yielding(1)]);
  });

  test("reads the next entries while it has some in hand", async () => {
    const asked: string[] = [];
    const threads = jest.spyOn(SerialThread.prototype, "ask").mockImplementation(async (call) => {
      const { kind } = call as { readonly kind: string };
      asked.push(`${kind} begins`);
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      asked.push(`${kind} is done`);
      return kind === "add" ? { kind: "added" } : { kind: "failed", reason: "no more", damaged: undefined };
    });
    function* pieces(): Generator<readonly IndexedEntry[]> {
      for (const one of some.slice(0, 2)) {
        asked.push("read");
        yield [one];
      }
    }
    await expect(maker.base(300, pieces())).rejects.toThrow("no more");
    threads.mockRestore();
    const both = ["read", "add begins", "read", "add is done", "add begins", "add is done"];
    expect(asked).toEqual([...both, "build-base begins", "build-base is done"]);
  });

  test("refuses words that do not fit in memory, and a group that is not whole", async () => {
    const small = new SegmentMaker({ mostOccurrences: 2 });
    await expect(small.base(300, [some])).rejects.toThrow(GroupTooLarge);
    await small.close();
    const few = maker.build(0, entriesFrom(0, 3));
    await expect(few).rejects.toThrow("the group has 3 of 4096 documents");
    await expect(few).rejects.not.toThrow(SegmentLost);
  });

  test("merges 16 neighbours, and names the one that is damaged", async () => {
    const root = nodeSha256(Uint8Array.of(1));
    const below = Array.from({ length: 16 }, () => ({ blocks: 1, root }));
    const children = neighbours([sparseSegment(0, 2_048)]).map((segment) => storable(segment, root, below));
    expect(await maker.merge(children)).toEqual(await ownThreadMaker().merge(children));
    const damaged = children.map((child, place) =>
      place === 7 ? { ...child, contents: child.contents.map((block) => block.map((byte) => byte ^ 1)) } : child,
    );
    await expect(maker.merge(damaged)).rejects.toMatchObject({ name: "SegmentLost", segment: damaged[7] });
    await expect(maker.merge(children.slice(1))).rejects.toThrow("a merge takes the 16 children of one segment");
  });
});

describe("the thread that makes segments", () => {
  test("makes the segment that core makes, with an outline that has its root and its blocks", async () => {
    const made = await maker.build(GROUP, entriesFrom(GROUP));
    const segment = buildSegment(groupOf(1), 1);
    const outline = Outline.read(made.contents.at(-1) ?? new Uint8Array(), made.digest);
    expect(made).toMatchObject({ level: 1, number: 1, blocks: segment.blocks.length + 1 });
    expect(outline?.root).toEqual(segmentRoot(segment, nobleSha256));
    expect(segment.blocks.every((block, number) => outline?.hasBlock(number, block))).toBe(true);
    expect(made.contents.slice(0, -1).map((block) => block.length)).toEqual(segment.blocks.map(({ length }) => length));
  });

  test("makes one group after the other, whoever asks, and goes on after one that failed", async () => {
    const few = maker.build(0, entriesFrom(0, 500));
    const whole = maker.build(0, entriesFrom(0));
    await expect(few).rejects.toThrow("the group has 500 of 4096 documents");
    expect(await whole).toMatchObject({ level: 1, number: 0 });
  });

  test("is started again after it ended", async () => {
    const cut = maker.build(0, entriesFrom(0));
    const refused = expect(cut).rejects.toThrow("has ended");
    await new Promise(setImmediate);
    await maker.close();
    await refused;
    expect(await maker.build(0, entriesFrom(0))).toMatchObject({ level: 1, number: 0 });
  });

  test("holds the process while it is asked, and no longer", async () => {
    const ports = (): number => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
    const before = ports();
    const made = maker.build(0, entriesFrom(0));
    await new Promise(setImmediate);
    expect(ports()).toBe(before + 1);
    await made;
    expect(ports()).toBe(before);
  });

  test("names the child that is damaged when it merges", async () => {
    const child = await maker.build(0, entriesFrom(0));
    const damaged = {
      ...child,
      contents: child.contents.map((block, i) => (i === 9 ? block.map((byte) => byte ^ 1) : block)),
    };
    const merged = maker.merge([child, damaged]);
    await expect(merged).rejects.toThrow(SegmentLost);
    await expect(merged).rejects.toMatchObject({ segment: damaged });
  });
});
