import { beforeAll, describe, expect, test } from "@jest/globals";
import type { ReadEntry } from "../../../src/audit/search-index.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import type { Segment } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import { leavesByField } from "../../../src/engine/search/field-order.js";
import type { SearchedLog, Sought } from "../../../src/engine/search/matches.js";
import type { SortedField } from "../../../src/query/order.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { logged } from "../../stores/search-events.js";

const BASE = 256;
const ALL: Sought = { filter: { kind: "all" }, isMatch: () => true };
const at = (second: number): string => `2026-01-01T00:00:0${second}.000000Z`;
/** So many actors and times that both orders differ from that of the leaves. */
const entries = [
  logged({ message: "m", actor: "eve", timestamp: at(3) }, 0),
  logged({ message: "m", actor: "bob", timestamp: at(5) }, 1),
  logged({ message: "m", actor: "eve", timestamp: at(1) }, 2),
  logged({ message: "m", actor: "dan", timestamp: at(4) }, 3),
  logged({ message: "m", actor: "amy", timestamp: at(3) }, 4),
];
const SIZE = entries.length;

let segment: Segment;
beforeAll(() => {
  const group = new Group(0, nodeSha256);
  for (const { canonical, leafHash } of entries) group.add({ canonical: utf8(canonical), leafHash });
  while (group.documents < BASE) group.skip();
  segment = buildSegment(group, 0);
});

/** What is read of the log, each time. */
function searched(read: number[], signal?: AbortSignal): SearchedLog {
  const reader = new SegmentReader(memorySource(segment));
  const range = { start: 0, end: SIZE };
  const readable = { range: { start: 0, end: BASE }, session: () => ({ read: sessionOf(reader) }) };
  const entry = (leaf: number): ReadEntry => {
    const { canonical = "", leafHash = new Uint8Array(32) } = entries[leaf] ?? {};
    return { kind: "entry", entry: { canonical, hash: digestOf(leafHash) } };
  };
  return {
    ...{ log: "default", signal },
    entries: (leaves) => (read.push(...leaves), Promise.resolve(leaves.map(entry))),
    longEntries: { matches: () => Promise.reject(new Error("no entry is long")) },
    parts: [{ kind: "segment", range, segment: readable }],
  };
}

const sessionOf =
  (reader: SegmentReader) =>
  <T>(run: (reader: SegmentReader) => T): Promise<T> =>
    Promise.resolve(run(reader));

interface Order {
  readonly field: SortedField;
  readonly descending: boolean;
  /** A leaf. */
  readonly after: number | undefined;
}

describe("few matches of a segment", () => {
  test.each<[Order, readonly number[]]>([
    [{ field: "timestamp", descending: false, after: undefined }, [2, 0, 4, 3, 1]],
    [{ field: "timestamp", descending: true, after: undefined }, [1, 3, 4, 0, 2]],
    [{ field: "timestamp", descending: false, after: 0 }, [4, 3, 1]],
    [{ field: "timestamp", descending: true, after: 4 }, [0, 2]],
    [{ field: "actor", descending: false, after: undefined }, [4, 1, 3, 0, 2]],
    [{ field: "actor", descending: true, after: undefined }, [2, 0, 3, 1, 4]],
    [{ field: "actor", descending: false, after: 3 }, [0, 2]],
    [{ field: "actor", descending: true, after: 0 }, [3, 1, 4]],
  ])("are in the order of %j", async (order, leaves) => {
    const { field, after } = order;
    for (const count of [SIZE, 2]) {
      const read: number[] = [];
      const found = await leavesByField(ALL, { ...order, count }, searched(read));
      expect(found).toEqual(leaves.slice(0, count));
      if (field === "timestamp") expect(read).toEqual(after === undefined ? [] : [after]); // the segment has the times
    }
  });

  test("are not looked for by who is gone, not even while keys are read", async () => {
    const caller = new AbortController();
    const log = searched([], caller.signal);
    const leaving: SearchedLog["entries"] = (...asked) => {
      caller.abort(new Error("gone"));
      return log.entries(...asked);
    };
    const by = { field: "actor", descending: false, after: undefined, count: SIZE } as const;
    await expect(leavesByField(ALL, by, { ...log, entries: leaving })).rejects.toThrow("gone");
  });
});
