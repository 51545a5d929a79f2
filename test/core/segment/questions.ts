import fc from "fast-check";
import type { Question } from "../../../src/core/segment/answer.js";
import { filtersOver } from "./filters.js";
import { receivedAt } from "./provable-log.js";

/** Questions of every kind about a log of the corpus with so many entries. */
export function questionsAbout(size: number): fc.Arbitrary<Question> {
  const bound = fc.option(
    fc.nat(size).map((leaf) => receivedAt(leaf)),
    { nil: undefined },
  );
  return fc.record({
    filter: filtersOver(size),
    window: fc.tuple(bound, bound).map(([a, b]) => {
      const isFalling = a !== undefined && b !== undefined && a > b;
      return isFalling ? { from: b, until: a } : { from: a, until: b };
    }),
    after: fc.option(fc.nat(size - 1), { nil: undefined, freq: 4 }),
    descending: fc.boolean(),
    wanted: fc.oneof(
      fc.record({ kind: fc.constant("page" as const), limit: fc.integer({ min: 0, max: 60 }) }),
      fc.record({
        kind: fc.constant("count" as const),
        cap: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
      }),
    ),
  });
}
