import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { decide, tailReaders, type Answer, type Question } from "../../../src/core/segment/answer.js";
import { utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { PIECE_DOCUMENTS } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { mergeSegments } from "../../../src/core/segment/merge.js";
import { readersIn } from "../../../src/core/segment/search.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import { AnswerWalk } from "../../../src/engine/search/answer-walk.js";
import { Steps } from "../../../src/engine/search/matches.js";
import { ProofCheck } from "../../../src/engine/search/proof-check.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import type { ProofQuery, ProvenAnswer } from "../../../src/audit/search-index.js";
import { FORMAT, IndexedLog } from "../../core/segment/provable-log.js";

const SIZE = 600;
const WHOLE = { start: 0, end: SIZE };
const QUESTION: Question = {
  filter: { kind: "exact", field: "status", value: "failed" },
  window: { from: undefined, until: undefined },
  after: undefined,
  descending: true,
  wanted: { kind: "page", limit: 5 },
};
let log: IndexedLog;
let readers: readonly SegmentReader[];

beforeAll(() => {
  log = new IndexedLog(SIZE);
  const entries = log.entries.map((canonical, leaf) => ({ leaf, canonical }));
  readers = tailReaders(entries, FORMAT, nodeSha256);
});

describe("a walk through segments", () => {
  const FILTERS: readonly Question["filter"][] = [
    { kind: "all" },
    QUESTION.filter,
    { kind: "exact", field: "actor", value: "nobody" },
    { kind: "not", filter: QUESTION.filter },
    { kind: "phrase", field: undefined, words: ["lo"], prefix: true },
  ];
  const WANTED: readonly Question["wanted"][] = [
    ...[0, 1, 2, 90, 1_000].map((limit) => ({ kind: "page" as const, limit })),
    ...[undefined, 0, 1, 50, 600, 601].map((cap) => ({ kind: "count" as const, cap })),
  ];

  test.each(FILTERS.map((filter) => [filter] as const))(
    "answers as core decides, and ends where it may: %j",
    async (filter) => {
      for (const range of [
        WHOLE,
        { start: 3, end: 599 },
        { start: 255, end: 257 },
        { start: 256, end: 512 },
        { start: 100, end: 156 },
      ])
        for (const wanted of WANTED)
          for (const descending of [false, true]) {
            const question = { ...QUESTION, filter, wanted, descending };
            const walk = new AnswerWalk(question, range, new Steps());
            const within = readersIn(readers, range);
            let walked = 0;
            for (const reader of descending ? [...within].reverse() : within) {
              if (walk.isDecided()) break;
              await walk.through({ read: (run) => Promise.resolve(run(reader)) });
              walked += 1;
            }
            const decided = decide(within, question, { range, sha256: nodeSha256 });
            expect([question, walk.decided]).toEqual([question, decided]);
            // What decides is in the segments that were gone through, and in no fewer.
            const deciding =
              decided.deciding.end > decided.deciding.start ? readersIn(within, decided.deciding).length : 0;
            expect([question, walked]).toEqual([question, deciding]);
          }
    },
  );

  test.each([
    ["in which nothing matches", { kind: "exact", field: "actor", value: "nobody" }, 1],
    ["of which the number of matches is known", { kind: "all" }, 1],
    ["that has to be looked through", { kind: "not", filter: QUESTION.filter }, 2],
  ] as const)("reads so often in a segment %s", async (_, filter, times) => {
    const wanted = { kind: "count", cap: undefined } as const;
    const walk = new AnswerWalk({ ...QUESTION, filter, wanted }, WHOLE, new Steps());
    const [reader] = readersIn(readers, WHOLE);
    if (reader === undefined) throw new Error("a segment");
    let reads = 0;
    await walk.through({ read: (run) => ((reads += 1), Promise.resolve(run(reader))) });
    expect(reads).toBe(times);
  });

  test("goes no further when its caller is gone, also between two pieces", async () => {
    const caller = new AbortController();
    const question = { ...QUESTION, filter: { kind: "not", filter: QUESTION.filter } } as const;
    const walk = new AnswerWalk(question, WHOLE, new Steps(caller.signal));
    const [reader] = readersIn(readers, WHOLE);
    if (reader === undefined) throw new Error("a segment");
    let reads = 0;
    const through = walk.through({
      read: (run) => {
        reads += 1;
        if (reads === 2) caller.abort(new Error("gone")); // while the piece is read
        return Promise.resolve(run(reader));
      },
    });
    await expect(through).rejects.toThrow("gone");
  });
});

describe("a walk through a segment of many pieces", () => {
  const HELD = [0, 4_095, 4_096, 20_000, 61_440, 65_535];
  const LEAVES = 16 * PIECE_DOCUMENTS;
  let merged: SegmentReader;
  beforeAll(() => {
    const text = utf8(`{"event":{"message":"bob"},"received_at":"2026-01-01T00:00:00.000000Z"}`);
    const children = Array.from({ length: 16 }, (_, number) => {
      const group = new Group(number, nodeSha256);
      while (group.documents < PIECE_DOCUMENTS) {
        const leaf = number * PIECE_DOCUMENTS + group.documents;
        if (HELD.includes(leaf)) group.add({ canonical: text, leafHash: nodeSha256(utf8(String(leaf))) });
        else group.skip();
      }
      return new SegmentReader(memorySource(buildSegment(group, 1)));
    });
    merged = new SegmentReader(memorySource(mergeSegments(children)));
  });

  test.each([
    [false, [0, 4_095, 4_096]],
    [true, [65_535, 61_440, 20_000]],
  ])("takes its pieces in the question's direction: descending %j", async (descending, leaves) => {
    const filter = { kind: "phrase", field: "message", words: ["bob"], prefix: false } as const;
    const asked = { ...QUESTION, filter, descending };
    const reading = { read: <T>(run: (reader: SegmentReader) => T) => Promise.resolve(run(merged)) };
    const page = new AnswerWalk(
      { ...asked, wanted: { kind: "page", limit: 3 } },
      { start: 0, end: LEAVES },
      new Steps(),
    );
    await page.through(reading);
    expect([page.isDecided(), page.decided.answer]).toEqual([true, { kind: "page", leaves }]);
    const range = { start: 1, end: LEAVES - 1 };
    const count = new AnswerWalk({ ...asked, wanted: { kind: "count", cap: undefined } }, range, new Steps());
    await count.through(reading);
    expect(count.decided.answer).toEqual({ kind: "count", count: 4, isExact: true });
  });
});

describe("the check of a proof before it is returned", () => {
  const check = new ProofCheck();
  afterAll(() => check.close());
  const query = (): ProofQuery => ({
    ...{ log: "default", question: QUESTION, window: WHOLE, treeSize: SIZE, rootHash: log.log.root, format: FORMAT },
    siblings: () => Promise.resolve([]),
  });
  const proven = (change: (answer: Answer) => Answer = (answer) => answer): ProvenAnswer => {
    const { answer, proof } = log.prove(QUESTION, 2);
    return { answer: change(answer), proof, index: { treeSize: 2, rootHash: log.index(2).root } };
  };

  test("lets what holds pass, and nothing else", async () => {
    await check.require(query(), proven());
    const fewer = proven((answer) => (answer.kind === "page" ? { ...answer, leaves: answer.leaves.slice(1) } : answer));
    await expect(check.require(query(), fewer)).rejects.toThrow(
      "a proof of completeness of the log default does not hold: RANGE_MISMATCH",
    );
    const elsewhere = { ...query(), rootHash: new Uint8Array(32) };
    await expect(check.require(elsewhere, proven())).rejects.toThrow("does not hold: ENTRY_MISMATCH");
    await check.require(query(), proven());
  });
});
