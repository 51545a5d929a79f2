import { beforeAll, describe, expect, test } from "@jest/globals";
import type { BlockStore } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { PIECE_DOCUMENTS, type Segment } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { mergeSegments } from "../../../src/core/segment/merge.js";
import { partsOf } from "../../../src/engine/search/matches.js";
import { blockCache, OpenSegment, type ReadableSegment } from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
import { topValues } from "../../../src/engine/search/value-counts.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { neighbours, readerOf } from "../../core/segment/tall-segments.js";
import { makeSmallLog, readable, searched, sought } from "./small-log.js";

beforeAll(makeSmallLog);

describe("values of a field that fill many blocks of a segment", () => {
  test("are read from block to block, each once", async () => {
    const group = new Group(0, nodeSha256);
    // With nothing in common: terms that begin alike take next to no room.
    const valueAt = (leaf: number): string =>
      `${String.fromCharCode(97 + (leaf % 26))}${digestOf(nodeSha256(Uint8Array.of(leaf)))}`;
    for (let leaf = 0; leaf < 256; leaf++) {
      const text = `{"event":{"actor":"${valueAt(leaf)}","message":"m"},"received_at":"2026-01-01T00:00:00.000000Z"}`;
      group.add({ canonical: utf8(text), leafHash: nodeSha256(utf8(text)) });
    }
    const built = buildSegment(group, 0);
    expect(built.directory.length).toBeGreaterThan(8);
    const segment = readable(built);
    const read = { ...(await searched({ start: 0, end: 0 }, { stored: [], recent: [] })), parts: [] };
    const whole = { ...read, parts: partsOf({ start: 0, end: 256 }, [segment], []) };
    const part = { ...read, parts: partsOf({ start: 10, end: 200 }, [segment], []) };
    for (const [searchedPart, first, count] of [
      [whole, 0, 256],
      [part, 10, 190],
    ] as const) {
      const found = await topValues(sought({ kind: "all" }), { field: "actor", first: 2 }, searchedPart);
      const all = Array.from({ length: count }, (_, place) => valueAt(first + place)).sort();
      const values = all.slice(0, 2).map((value) => ({ value, count: 1 }));
      expect(found).toEqual({ values, distinctCount: count, otherCount: count - 2, missingCount: 0 });
    }
  });
});

describe("values of a field that fill one block of a long dictionary", () => {
  test("are read without the blocks of other fields", async () => {
    const group = new Group(0, nodeSha256);
    for (let leaf = 0; leaf < 256; leaf++) {
      const actor = digestOf(nodeSha256(Uint8Array.of(leaf)));
      const text = `{"event":{"action":"${leaf % 2 === 0 ? "even" : "odd"}","actor":"${actor}","message":"m"},"received_at":"2026-01-01T00:00:00.000000Z"}`;
      group.add({ canonical: utf8(text), leafHash: nodeSha256(utf8(text)) });
    }
    const built = buildSegment(group, 0);
    const { contents, ...row } = storable(built, new Uint8Array(32), []);
    const fetched: number[] = [];
    const blocks = replaced<BlockStore>(new MemoryBlockStore(), {
      blocks: (_, ids) => {
        fetched.push(...ids.map(({ block }) => block));
        return Promise.resolve(ids.map(({ block }) => contents[block]));
      },
    });
    const segment = new OpenSegment(row, { log: "default", blocks, cache: blockCache(2 ** 22) });
    const read = { ...(await searched({ start: 0, end: 0 }, { stored: [], recent: [] })), parts: [] };
    const parts = partsOf({ start: 0, end: 256 }, [segment], []);
    const found = await topValues(sought({ kind: "all" }), { field: "action", first: 2 }, { ...read, parts });
    expect(found.values.map(({ value, count }) => [value, count])).toEqual([
      ["even", 128],
      ["odd", 128],
    ]);
    expect(built.directory.length).toBeGreaterThan(16);
    expect(new Set(fetched).size).toBeLessThan(built.directory.length / 2);
  });
});

describe("values of a field in one segment", () => {
  const NONE = { stored: [], recent: [] };
  const LONG = "z".repeat(300);

  /** A segment whose entries have these actors. */
  function segmentOf(actors: readonly string[]): ReadableSegment {
    const group = new Group(0, nodeSha256);
    for (const actor of actors) {
      const text = `{"event":{"actor":"${actor}","message":"m"},"received_at":"2026-01-01T00:00:00.000000Z"}`;
      group.add({ canonical: utf8(text), leafHash: nodeSha256(utf8(text)) });
    }
    while (group.documents < 256) group.skip();
    return readable(buildSegment(group, 0));
  }

  test.each([1, 254, 255, 256])("are those of its matches, of which there are %i", async (matches) => {
    const actors = Array.from({ length: 256 }, (_, leaf) => (leaf < matches ? "yes" : "no"));
    const parts = partsOf({ start: 0, end: 256 }, [segmentOf(actors)], []);
    const filter = { kind: "exact", field: "actor", value: "yes" } as const;
    const read = { ...(await searched({ start: 0, end: 0 }, NONE)), parts };
    expect(await topValues(sought(filter), { field: "actor", first: 2 }, read)).toEqual({
      values: [{ value: "yes", count: matches }],
      ...{ distinctCount: 1, otherCount: 0, missingCount: 0 },
    });
  });

  test("that are long are read from an entry that has them, in whichever piece of it", async () => {
    const [actor, other] = [`a${LONG}`, `b${LONG}`];
    const texts = (leaf: number): string => (Math.floor(leaf / PIECE_DOCUMENTS) % 2 === 0 ? actor : other);
    const children = neighbours([actor, other].map((name, number) => withActor(name, number)));
    const segment = readable(mergeSegments(children.map(readerOf)));
    const read = await searched({ start: 0, end: 0 }, NONE);
    const asked: number[] = [];
    const entries: typeof read.entries = (leaves) => {
      asked.push(...leaves);
      const event = (leaf: number): string => `{"event":{"actor":"${texts(leaf)}","message":"m"}`;
      return Promise.resolve(
        leaves.map((leaf) => {
          const canonical = `${event(leaf)},"received_at":"2026-01-01T00:00:00.000000Z"}`;
          return { kind: "entry", entry: { canonical, hash: digestOf(nodeSha256(utf8(canonical))) } };
        }),
      );
    };
    const parts = partsOf({ start: 0, end: 16 * PIECE_DOCUMENTS }, [segment], []);
    const all = sought({ kind: "exact", field: "message", value: "m" });
    const { values } = await topValues(all, { field: "actor", first: 2 }, { ...read, entries, parts });
    expect(new Map(values.map(({ value, count }) => [value, count]))).toEqual(
      new Map([
        [actor, 16],
        [other, 16],
      ]),
    );
    expect([...asked].sort((a, b) => a - b)).toEqual([5, PIECE_DOCUMENTS + 5]);
  });

  /** A segment of level 1 with two entries of this actor, the first of them its sixth. */
  function withActor(actor: string, number: number): Segment {
    const group = new Group(number, nodeSha256);
    const text = `{"event":{"actor":"${actor}","message":"m"},"received_at":"2026-01-01T00:00:00.000000Z"}`;
    for (let place = 0; place < PIECE_DOCUMENTS; place++)
      if (place === 5 || place === 9) group.add({ canonical: utf8(text), leafHash: nodeSha256(utf8(text)) });
      else group.skip();
    return buildSegment(group, 1);
  }
});
