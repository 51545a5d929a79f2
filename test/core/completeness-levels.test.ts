import { spawnSync } from "node:child_process";
import { beforeAll, expect, test } from "@jest/globals";
import { utf8Text } from "../../src/core/bytes.js";
import type { Question } from "../../src/core/segment/answer.js";
import type { SegmentFilter } from "../../src/core/segment/filter.js";
import { memorySource } from "../../src/core/segment/memory-source.js";
import { mergeSegments } from "../../src/core/segment/merge.js";
import { readProof } from "../../src/core/segment/proof-document.js";
import { SegmentReader } from "../../src/core/segment/read.js";
import { phrase } from "../vectors/completeness-cases.js";
import { completenessDocument, completenessVerdict } from "../vectors/completeness-document.js";
import { describeWith } from "../service.js";
import { PythonCompleteness } from "./python-completeness.js";
import { IndexedLog, nothing, receivedAt } from "./segment/provable-log.js";

const HAS_CRYPTOGRAPHY = spawnSync("python3", ["-B", "-c", "import cryptography"]).status === 0;
/** A segment of level 2, of level 1 and of level 0 each, and an entry behind the index. */
const INDEXED = 256 + 17;
const SIZE = 256 * INDEXED + 1;

const COUNT: Question = {
  filter: { kind: "all" },
  window: { from: undefined, until: undefined },
  after: undefined,
  descending: true,
  wanted: { kind: "count", cap: undefined },
};
const RARE: SegmentFilter = { kind: "exact", field: "actor", value: "user7@example.com" };
const COMMON: SegmentFilter = { kind: "exact", field: "status", value: "failed" };
const NOON = { epochMs: Date.UTC(2026, 0, 1, 12), micros: 0 };

const QUESTIONS: readonly (readonly [string, Question])[] = [
  ["a value in some pieces", { ...COUNT, filter: RARE }],
  ["a value in every piece", { ...COUNT, filter: COMMON }],
  ["all of one in some and one in every piece", { ...COUNT, filter: { kind: "and", filters: [COMMON, RARE] } }],
  ["none of a value in every piece", { ...COUNT, filter: { kind: "not", filter: COMMON } }],
  ["a phrase, newest", { ...COUNT, filter: phrase(["logged", "in"], "message"), wanted: { kind: "page", limit: 20 } }],
  [
    "a phrase, oldest",
    { ...COUNT, filter: phrase(["logged", "in"]), descending: false, wanted: { kind: "page", limit: 20 } },
  ],
  [
    "a phrase in the middle of a segment",
    { ...COUNT, filter: phrase(["東", "京"]), window: { from: receivedAt(30_000), until: receivedAt(40_000) } },
  ],
  [
    "a phrase at one place in every entry that has it",
    { ...COUNT, filter: phrase(["alice", "example", "com"], "actor") },
  ],
  ["a beginning of words", { ...COUNT, filter: phrase(["str"], undefined, true) }],
  [
    "a value that stands in the dictionary with its documents",
    { ...COUNT, filter: { kind: "exact", field: "source", value: "edge" } },
  ],
  [
    "any of several",
    {
      ...COUNT,
      filter: { kind: "or", filters: [RARE, { kind: "exact", field: "source", value: "edge" }] },
      wanted: { kind: "count", cap: 1_500 },
    },
  ],
  [
    "times of events",
    {
      ...COUNT,
      filter: { kind: "time", start: NOON, end: undefined },
      window: { from: receivedAt(50_000), until: receivedAt(52_000) },
    },
  ],
  ["everything", COUNT],
];

/** A word that whole pieces have in two fields, and one entry that has it in the first: the other field's documents are not read. */
function decidedByFirstField({ entries, format }: IndexedLog): readonly [string, Question] {
  const found = entries.find((entry, leaf) => leaf > 30_000 && /"message":"[^"]*login/.test(utf8Text(entry) ?? ""));
  const one: SegmentFilter = { kind: "leaf", hash: format.leafHash(found ?? nothing()) };
  return [
    "a word in the first of two fields",
    { ...COUNT, filter: { kind: "and", filters: [phrase(["login"]), one] } },
  ];
}

describeWith("python3 and its package cryptography", HAS_CRYPTOGRAPHY, () => {
  let log: IndexedLog;
  beforeAll(() => {
    log = new IndexedLog(SIZE);
    const children = Array.from(
      { length: 16 },
      (_, number) => new SegmentReader(memorySource(log.segment({ level: 1, number }))),
    );
    log.put(mergeSegments(children));
  }, 600_000);

  test("core and Python come to the same verdict on answers over three levels of segments", async () => {
    const asked = [...QUESTIONS, decidedByFirstField(log)].map(([name, question]) => {
      const claim = log.prove(question, INDEXED);
      const document = completenessDocument(log.roots(INDEXED), question, claim);
      return { name, document, levels: (readProof(claim.proof) ?? nothing()).segments.map(({ level }) => level) };
    });
    expect(asked.find(({ name }) => name === "everything")?.levels).toEqual([2, 1, 0]);
    const told = asked.flatMap(({ name, document }) => {
      const { answer } = document;
      const other =
        answer.kind === "count"
          ? { ...answer, count: answer.count + 1 }
          : { ...answer, leaves: answer.leaves.slice(1) };
      return [
        { name, document },
        { name: `${name}, and another answer`, document: { ...document, answer: other } },
      ];
    });
    const python = new PythonCompleteness();
    try {
      const verdicts = await python.verdicts(told.map(({ document }) => document));
      const own = told.map(({ name, document }) => `${name}: ${completenessVerdict(document)}`);
      expect(told.map(({ name }, i) => `${name}: ${verdicts[i] ?? ""}`)).toEqual(own);
      expect(own.filter((line) => line.endsWith(": VALID"))).toHaveLength(asked.length);
    } finally {
      await python.close();
    }
  }, 600_000);
});
