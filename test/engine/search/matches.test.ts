import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Slice } from "../../../src/audit/search-index.js";
import type { LogStore } from "../../../src/audit/store.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { PIECE_DOCUMENTS } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { mergeSegments } from "../../../src/core/segment/merge.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import type { LeafRange } from "../../../src/core/tree.js";
import { storedEntries } from "../../../src/engine/search/log-rows.js";
import {
  countOf,
  evaluated,
  leavesIn,
  matchesOf,
  partsOf,
  Steps,
  type Sought,
} from "../../../src/engine/search/matches.js";
import type { ReadableSegment, SegmentSession } from "../../../src/engine/search/open-segment.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { ORDER_FIELDS } from "../../../src/query/order.js";
import { entryAt } from "../../core/segment/corpus.js";
import { tallSegment } from "../../core/segment/tall-segments.js";
import { idle, LOG, opened } from "./segment-indexes.js";
import { asked, filters, inOrder, makeSmallLog, plainly, readable, searched, SEED, sought } from "./small-log.js";

let log: LogStore;
beforeAll(async () => {
  log = await makeSmallLog();
});

describe(`matches, wherever the entries are found (seed ${SEED})`, () => {
  test("are those of a plain scan, in both directions", async () => {
    await fc.assert(
      fc.asyncProperty(asked, fc.boolean(), async ({ filter, range: within, layout }, descending) => {
        const read = await searched(within, layout);
        expect(read.parts.map(({ range: { start } }) => start)).toEqual(
          read.parts.map((_, place) => (place === 0 ? within.start : (read.parts[place - 1]?.range.end ?? -1))),
        );
        expect(read.parts.filter(({ range: { start, end } }) => start >= end)).toEqual([]);
        const found: number[] = [];
        for await (const some of matchesOf(sought(filter), read, descending)) {
          const leaves = leavesIn(some);
          expect(countOf(some)).toBe(leaves.length);
          found.push(...(descending ? [...leaves].reverse() : leaves));
        }
        const wanted = plainly({ filter, range: within });
        expect(found).toEqual(descending ? [...wanted].reverse() : wanted);
      }),
      { numRuns: 40, seed: SEED },
    );
  });
});

/** So few that none of them is in a segment: nothing is built. */
describe("an index over few entries", () => {
  const FEW = 200;
  const few = fc.nat(FEW);
  const queries = fc.record({
    log: fc.constant(LOG),
    filter: filters,
    range: fc
      .oneof(fc.tuple(few, few), fc.constant([0, FEW] as const))
      .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) })),
    order: fc.record({
      field: fc.constantFrom(...ORDER_FIELDS),
      direction: fc.constantFrom("asc" as const, "desc" as const),
    }),
  });
  const slices: fc.Arbitrary<Slice> = fc.record(
    { after: fc.nat(FEW - 1), offset: fc.nat(20), limit: fc.oneof(fc.nat(60), fc.constant(FEW)) },
    { requiredKeys: ["limit"] },
  );

  test("pages and counts as a plain scan does, up to any cap", async () => {
    const index = opened(log, { blocks: idle() });
    await fc.assert(
      fc.asyncProperty(queries, slices, fc.integer({ min: 1, max: FEW }), async (query, slice, cap) => {
        const { after, offset = 0, limit } = slice;
        expect(await index.page(query, slice)).toEqual(inOrder(query, after).slice(offset, offset + limit));
        const { length } = plainly(query);
        expect([await index.count(query, cap), await index.count(query, Infinity)]).toEqual([
          Math.min(cap, length),
          length,
        ]);
      }),
      { numRuns: 100, seed: SEED },
    );
  });

  test("finds a leaf by its hash, and none behind the size that is asked about", async () => {
    const index = opened(log, { blocks: idle() });
    const { leafHash } = entryAt(FEW - 2);
    expect(await index.leavesByHash(LOG, leafHash, FEW - 1)).toEqual([FEW - 2]);
    expect(await index.leavesByHash(LOG, leafHash, FEW - 2)).toEqual([]);
  });

  test("asked for no match reads no entry", async () => {
    let reads = 0;
    const index = opened(log, { blocks: idle() });
    index.follow(LOG, (leaves, signal) => ((reads += 1), storedEntries(log, LOG)(leaves, signal)));
    const order = { field: "received_at", direction: "asc" } as const;
    const all = { log: LOG, filter: { kind: "all" }, order } as const;
    expect(await index.page({ ...all, range: { start: 5, end: 5 } }, { limit: 10 })).toEqual([]);
    expect(reads).toBe(0);
  });
});

describe("a segment of many pieces", () => {
  const LEAVES = 16 * PIECE_DOCUMENTS;
  /** All other entries are empty. */
  const HELD = [0, 4_095, 4_096, 8_191, 20_000, 61_440, 65_535];
  const bob = { kind: "phrase", field: "message", words: ["bob"], prefix: false } as const;
  let merged: ReadableSegment;
  beforeAll(() => {
    const bytes = utf8(`{"event":{"message":"bob"},"received_at":"2026-01-01T00:00:00.000000Z"}`);
    const children = Array.from({ length: 16 }, (_, number) => {
      const group = new Group(number, nodeSha256);
      for (let at = number * PIECE_DOCUMENTS; at < (number + 1) * PIECE_DOCUMENTS; at++)
        if (HELD.includes(at)) group.add({ canonical: bytes, leafHash: nodeSha256(utf8(String(at))) });
        else group.skip();
      return new SegmentReader(memorySource(buildSegment(group, 1)));
    });
    merged = readable(mergeSegments(children));
  });

  test.each([
    [0, LEAVES],
    [1, LEAVES - 1],
    [4_095, 4_096],
    [4_096, 8_191],
    [4_097, 61_440],
    [61_441, LEAVES],
  ])("is searched from %i to %i in both directions, a piece at a time", async (start, end) => {
    const parts = partsOf({ start, end }, [merged], []);
    const read = { ...(await searched({ start: 0, end: 0 }, { stored: [], recent: [] })), parts };
    for (const descending of [false, true]) {
      const found: number[] = [];
      for await (const some of matchesOf(sought(bob), read, descending)) {
        expect(countOf(some)).toBeLessThanOrEqual(2);
        found.push(...(descending ? [...leavesIn(some)].reverse() : leavesIn(some)));
      }
      const wanted = HELD.filter((at) => at >= start && at < end);
      expect(found).toEqual(descending ? wanted.reverse() : wanted);
    }
  });
});

describe("a walk through parts", () => {
  const all = sought({ kind: "all" });
  const NOTHING = { stored: [], recent: [] };

  test("has no part beside its range", () => {
    const segmentOf = (start: number): ReadableSegment => {
      const session = () => ({ read: () => Promise.reject(new Error("not read")) });
      return { range: { start, end: start + 256 }, session };
    };
    const stored = [0, 256, 512].map(segmentOf);
    const ranges = partsOf({ start: 256, end: 512 }, stored, []).map(({ range }) => range);
    expect(ranges).toEqual([{ start: 256, end: 512 }]);
  });

  test("yields nothing of a segment without a match, and no piece beside its range", async () => {
    const tall = readable(tallSegment({ level: 2, number: 0 }));
    const piecesOf = async (of: Sought, range: LeafRange): Promise<readonly number[]> => {
      const parts = partsOf(range, [tall], []);
      const pieces: number[] = [];
      for await (const found of matchesOf(of, { ...(await searched(range, NOTHING)), parts }, false))
        if (found.kind === "piece") pieces.push(found.piece);
      return pieces;
    };
    const [start, end] = [3 * PIECE_DOCUMENTS, 5 * PIECE_DOCUMENTS];
    expect(await piecesOf(all, { start, end })).toEqual([3, 4]);
    expect(await piecesOf(all, { start: start - 1, end: end + 1 })).toEqual([2, 3, 4, 5]);
    const nobody = sought({ kind: "exact", field: "actor", value: "nobody" });
    expect(await piecesOf(nobody, { start: 0, end })).toEqual([]);
  });

  test.each(["a segment", "rows"])("ends behind the last match of %s when its caller is gone", async (where) => {
    const caller = new AbortController();
    const layout = where === "rows" ? NOTHING : { stored: [true], recent: [] };
    const read = { ...(await searched({ start: 0, end: 256 }, layout)), signal: caller.signal };
    const gone = (): boolean => {
      caller.abort(new Error("gone"));
      return true;
    };
    const walk = matchesOf({ ...all, isMatch: gone }, read, false);
    if (where === "rows") {
      await expect(walk.next()).rejects.toThrow("gone");
      return;
    }
    expect(await walk.next()).toMatchObject({ done: false });
    gone();
    await expect(walk.next()).rejects.toThrow("gone");
  });

  test("looks a prefix up in steps where it stands for the words of many blocks", async () => {
    const group = new Group(0, nodeSha256);
    for (let leaf = 0; leaf < 256; leaf++) {
      const words = Array.from({ length: 10 }, (_, place) => `x${digestOf(nodeSha256(Uint8Array.of(leaf, place)))}`);
      const text = `{"event":{"message":"${words.join(" ").replaceAll(":", "")}"},"received_at":"2026-01-01T00:00:00.000000Z"}`;
      group.add({ canonical: utf8(text), leafHash: nodeSha256(utf8(text)) });
    }
    const segment = readable(buildSegment(group, 0));
    let reads = 0;
    const session = segment.session();
    const counted: SegmentSession = { read: (run) => ((reads += 1), session.read(run)) };
    const filter = { kind: "phrase", field: undefined, words: ["x"], prefix: true } as const;
    const found = await evaluated(filter, counted, new Steps());
    expect(reads).toBeGreaterThan(1);
    expect(found.evaluation.most).toBe(256);
  });
});
