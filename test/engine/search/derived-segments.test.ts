import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import type { SegmentId } from "../../../src/core/segment/format.js";
import type { LeafRange } from "../../../src/core/tree.js";
import type { IndexedEntry } from "../../../src/core/words/entry-terms.js";
import { DerivedSegments } from "../../../src/engine/search/derived-segments.js";
import { Outline } from "../../../src/engine/search/outline.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { SegmentMerger } from "../../../src/engine/search/segment-merger.js";
import { GROUP } from "./segment-indexes.js";
import { tallEntry, tallSegments } from "./tall-log.js";

const LIMIT_MS = 240_000;

let folder: string;
let maker: SegmentMaker;
let merger: SegmentMerger;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "auditql-derived-"));
  [maker, merger] = [new SegmentMaker(), new SegmentMerger()];
});
afterEach(async () => {
  await merger.close();
  await maker.close();
  rmSync(folder, { recursive: true });
});

async function* entries({ start, end }: LeafRange): AsyncGenerator<readonly IndexedEntry[]> {
  for (let next = start; next < end; next += 64) {
    const leaves = Array.from({ length: 64 }, (_, place) => tallEntry(next + place));
    yield await Promise.resolve(leaves.map(({ canonical, leafHash }) => ({ canonical: utf8(canonical), leafHash })));
  }
}

/** What is derived under a segment, by name; and how many files lie in the folder at most meanwhile. */
async function derived(id: SegmentId, by = maker) {
  const records = new Map<string, string>();
  let files = 0;
  for await (const { level, number, blocks, root } of new DerivedSegments({ maker: by, merger, folder, entries }).under(
    id,
  )) {
    records.set(`${level}/${number}`, `${blocks} ${Buffer.from(root).toString("hex")}`);
    files = Math.max(files, readdirSync(folder).length);
  }
  expect(readdirSync(folder)).toEqual([]);
  return { records, files };
}

const TALL = tallSegments();

/** What the outline of a segment that core made says. */
function expected({ contents, digest, ...id }: ReturnType<typeof TALL.tall>, of: SegmentId): string | undefined {
  const record = Outline.read(contents.at(-1) ?? new Uint8Array(), digest)?.record(id, of);
  return record && `${record.blocks} ${Buffer.from(record.root).toString("hex")}`;
}

describe("segments derived from entries alone", () => {
  test(
    "are those of core, of level 0, 1 and 2, with all that lie below",
    async () => {
      const base = await derived({ level: 0, number: 33 });
      expect([...base.records.keys()]).toEqual(["0/33"]);
      const group = await derived({ level: 1, number: 2 });
      expect(group.records.get("0/33")).toBe(base.records.get("0/33"));
      expect([group.records.size, group.files]).toEqual([17, 0]);
      expect(group.records.get("1/2")).toBe(expected(TALL.group(2), { level: 1, number: 2 }));
      const { records, files } = await derived({ level: 2, number: 1 });
      const [, second] = TALL.children;
      if (second === undefined) throw new Error("no segment");
      expect([records.size, files]).toEqual([256 + 16 + 1, 15]);
      for (const id of [
        { level: 2, number: 1 },
        { level: 1, number: 17 },
        { level: 0, number: 511 },
      ])
        expect(records.get(`${id.level}/${id.number}`)).toBe(expected(second, id));
    },
    LIMIT_MS,
  );

  test(
    "are those of core of level 3, and at most 32 segments lie in files",
    async () => {
      const quick = replaced(maker, { build: (firstLeaf) => Promise.resolve(TALL.group(firstLeaf / GROUP)) });
      const { records, files } = await derived({ level: 3, number: 0 }, quick);
      const tall = TALL.tall();
      expect(records.size).toBe(4_096 + 256 + 16 + 1);
      for (const id of [
        { level: 3, number: 0 },
        { level: 2, number: 7 },
        { level: 1, number: 255 },
        { level: 0, number: 0 },
      ])
        expect(records.get(`${id.level}/${id.number}`)).toBe(expected(tall, id));
      expect(files).toBeLessThanOrEqual(32);
    },
    LIMIT_MS,
  );

  test("reject as their entries do", async () => {
    const failing = async function* (): AsyncGenerator<readonly IndexedEntry[]> {
      yield await Promise.reject(new Error("no entries"));
    };
    const made = new DerivedSegments({ maker, merger, folder, entries: failing });
    for (const level of [0, 1, 2]) await expect(made.under({ level, number: 0 }).next()).rejects.toThrow("no entries");
  });
});
