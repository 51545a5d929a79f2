import fc from "fast-check";
import { EVENT_FIELDS } from "../../../src/core/event.js";
import type { SegmentFilter } from "../../../src/core/segment/filter.js";
import { entryAt } from "./corpus.js";
import { plainEntry, plainValue } from "./plain-matcher.js";

const word = fc.constantFrom(
  ...["alice", "bob", "logged", "in", "lo", "東", "京", "strasse", "7", "example", "com", "nowhere", "role"],
);
const field = fc.constantFrom(...EVENT_FIELDS);
const instant = fc.record({
  epochMs: fc.integer({ min: 1_767_225_600_000, max: 1_767_235_600_000 }),
  micros: fc.nat(999),
});

/** Filters of every kind over the corpus, nested, about the first `size` entries. */
export function filtersOver(size: number): fc.Arbitrary<SegmentFilter> {
  const valueAt = (leaf: number, of: "message" | "target"): string => plainValue(plainEntry(entryAt(leaf)), of) ?? "";
  return fc.letrec<{ filter: SegmentFilter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.record({
        kind: fc.constant("phrase" as const),
        field: fc.option(field, { nil: undefined }),
        words: fc.array(word, { minLength: 1, maxLength: 3 }),
        prefix: fc.boolean(),
      }),
      fc.record({
        kind: fc.constant("exact" as const),
        field,
        value: fc.oneof(
          fc.constantFrom("", "ok", "failed", "login", "edge", "yesterday", "alice@example.com", "nobody"),
          fc.nat(size - 1).map((leaf) => valueAt(leaf, "message")),
          fc.nat(size - 1).map((leaf) => valueAt(leaf, "target")),
        ),
      }),
      fc.record({ kind: fc.constant("present" as const), field }),
      fc.record({
        kind: fc.constant("time" as const),
        start: fc.option(instant, { nil: undefined }),
        end: fc.option(instant, { nil: undefined }),
      }),
      fc.nat(size - 1).map((leaf) => ({ kind: "leaf" as const, hash: entryAt(leaf).leafHash })),
      fc.constant({ kind: "all" as const }),
      fc.record({
        kind: fc.constant("and" as const),
        filters: fc.array(tie("filter"), { minLength: 2, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant("or" as const), filters: fc.array(tie("filter"), { minLength: 2, maxLength: 3 }) }),
      fc.record({ kind: fc.constant("not" as const), filter: tie("filter") }),
    ),
  })).filter;
}
