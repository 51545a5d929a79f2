import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import type { Segment, SegmentId } from "../../../src/core/segment/format.js";
import { DerivedSegments } from "../../../src/engine/search/derived-segments.js";
import { recordOf, storable } from "../../../src/engine/search/outline.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { SegmentMerger } from "../../../src/engine/search/segment-merger.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { GROUP } from "./segment-indexes.js";

const HASH = nodeSha256(utf8("the last"));
/** What is in a segment does not matter here, but that it is told from the others. */
const segmentOf = ({ level, number }: SegmentId): Segment => ({
  ...{ level, number, directory: [] },
  blocks: Array.from({ length: 1 + (number % 3) }, (_, block) => utf8(`${level}/${number} ${block}`)),
});
const idsBelow = ({ level, number }: SegmentId): readonly SegmentId[] =>
  Array.from({ length: 16 }, (_, place) => ({ level: level - 1, number: 16 * number + place }));
const groupOf = (id: SegmentId) =>
  storable(
    segmentOf(id),
    HASH,
    idsBelow(id).map((below) => recordOf(segmentOf(below))),
  );

let folder: string;
/** The children of each merge, and the first block of each as it was read. */
let merged: (readonly string[])[];
/** Of entries, as ranges. */
let asked: string[];
let derived: DerivedSegments;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "auditql-derived-"));
  [merged, asked] = [[], []];
  const maker = replaced(new SegmentMaker(), {
    base: (firstLeaf) => Promise.resolve(segmentOf({ level: 0, number: firstLeaf / 256 })),
    build: (firstLeaf) => Promise.resolve(groupOf({ level: 1, number: firstLeaf / GROUP })),
  });
  const merger = replaced(new SegmentMerger(), {
    merge: async ({ children, read, stage, isAwaited }) => {
      expect(isAwaited).toBe(true);
      const [first] = children;
      const id = { level: (first?.level ?? 0) + 1, number: (first?.number ?? 0) / 16 };
      const blocks = await Promise.all(children.map((_, child) => read(child, 0, 1)));
      merged.push(blocks.map(([block]) => Buffer.from(block ?? []).toString()));
      expect(await read(16, 0, 1)).toEqual([]);
      const { contents, ...row } = storable(segmentOf(id), HASH, []);
      await stage(contents.map((data, block) => ({ block, data })));
      return row;
    },
  });
  const entries: DerivingEntries = ({ start, end }) => {
    asked.push(`${start}-${end}`);
    return (async function* () {
      yield await Promise.resolve([]);
    })();
  };
  derived = new DerivedSegments({ maker, merger, folder, entries });
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

type DerivingEntries = ConstructorParameters<typeof DerivedSegments>[0]["entries"];

async function under(id: SegmentId): Promise<readonly unknown[]> {
  const records: unknown[] = [];
  for await (const record of derived.under(id)) records.push(record);
  return records;
}

const recordsOf = (ids: readonly SegmentId[]): readonly unknown[] => ids.map((id) => recordOf(segmentOf(id)));

describe("the records under a segment", () => {
  test("of level 0 are its own", async () => {
    expect(await under({ level: 0, number: 33 })).toEqual(recordsOf([{ level: 0, number: 33 }]));
    expect(asked).toEqual([`${33 * 256}-${34 * 256}`]);
  });

  test("of level 1 are those of its 16 bases, then its own, and need no file", async () => {
    const id = { level: 1, number: 2 };
    expect(await under(id)).toEqual(recordsOf([...idsBelow(id), id]));
    expect([asked, merged]).toEqual([[`${2 * GROUP}-${3 * GROUP}`], []]);
  });

  test("of level 2 are those of 16 groups, each read back from its file, then its own; and no file is left", async () => {
    const id = { level: 2, number: 1 };
    const groups = idsBelow(id);
    expect(await under(id)).toEqual(recordsOf([...groups.flatMap((group) => [...idsBelow(group), group]), id]));
    expect(merged).toEqual([groups.map(({ level, number }) => `${level}/${number} 0`)]);
    expect(asked).toHaveLength(16);
    expect(readdirSync(folder)).toEqual([]);
  });
});
