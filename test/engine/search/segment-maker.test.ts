import { afterEach, describe, expect, test } from "@jest/globals";
import { nobleSha256 } from "../../../src/core/bytes.js";
import { segmentRoot } from "../../../src/core/segment/format.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import type { IndexedEntry } from "../../../src/core/words/entry-terms.js";
import { Outline } from "../../../src/engine/search/outline.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { SegmentLost } from "../../../src/engine/search/open-segment.js";
import { entryAt, groupOf } from "../../core/segment/corpus.js";

const GROUP = 4_096;
const maker = new SegmentMaker();
afterEach(() => maker.close());

async function* entriesFrom(first: number, count = GROUP): AsyncGenerator<readonly IndexedEntry[]> {
  for (let leaf = first; leaf < first + count; leaf += 1_000) {
    const end = Math.min(leaf + 1_000, first + count);
    yield await Promise.resolve(Array.from({ length: end - leaf }, (_, place) => entryAt(leaf + place)));
  }
}

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
