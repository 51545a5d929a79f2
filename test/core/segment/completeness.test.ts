import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Answer, Question } from "../../../src/core/segment/answer.js";
import { matchesPlainly, plainEntry, type PlainEntry } from "./plain-matcher.js";
import { FORMAT, IndexedLog, receivedAt } from "./provable-log.js";
import { questionsAbout } from "./questions.js";

const SEED = 20_261_129;
/** A segment of level 1, four of level 0, and 60 entries that are in no segment. */
const SIZE = 4_096 + 4 * 256 + 60;
/** The index may be behind; at 16 the merged segment is not due yet. */
const INDEX_SIZES = [16, 17, 19, 20];

const questions = questionsAbout(SIZE);

let log: IndexedLog;
let entries: readonly PlainEntry[];

beforeAll(() => {
  log = new IndexedLog(SIZE);
  entries = log.entries.map((canonical) => plainEntry({ canonical, leafHash: FORMAT.leafHash(canonical) }));
});

function plainly({ filter, after, descending, wanted, window }: Question): Answer {
  const leaves: number[] = [];
  entries.forEach((entry, leaf) => {
    const time = receivedAt(leaf);
    const isWithin = (window.from ?? "") <= time && (window.until === undefined || time < window.until);
    const isBehind = after === undefined || (descending ? leaf < after : leaf > after);
    if (isWithin && isBehind && matchesPlainly(filter, entry)) leaves.push(leaf);
  });
  if (wanted.kind === "page")
    return { kind: "page", leaves: (descending ? leaves.reverse() : leaves).slice(0, wanted.limit) };
  const cap = wanted.cap ?? Infinity;
  return { kind: "count", count: Math.min(cap, leaves.length), isExact: leaves.length < cap };
}

describe(`a proof of completeness (seed ${SEED})`, () => {
  test("is accepted for what a plain matcher finds, whatever is asked and however far the index is", () => {
    fc.assert(
      fc.property(questions, fc.constantFrom(...INDEX_SIZES), (question, indexSize) => {
        const { answer, proof } = log.prove(question, indexSize);
        expect(answer).toEqual(plainly(question));
        expect(log.verify(question, { answer, proof }, indexSize)).toEqual({ kind: "COMPLETE" });
      }),
      { numRuns: 80, seed: SEED },
    );
  });

  test("is refused for another answer, to the same question", () => {
    fc.assert(
      fc.property(questions, fc.nat(), (question, place) => {
        const { answer, proof } = log.prove(question, 20);
        const changed: Answer =
          answer.kind === "count"
            ? { ...answer, count: answer.count + 1 }
            : { kind: "page", leaves: answer.leaves.filter((_, i) => i !== place % Math.max(1, answer.leaves.length)) };
        fc.pre(answer.kind === "count" || answer.leaves.length > 0);
        expect(log.verify(question, { answer: changed, proof }, 20).kind).toBe("REFUSED");
      }),
      { numRuns: 30, seed: SEED },
    );
  });
});
