import fc from "fast-check";
import type { NewEntry } from "../../../src/audit/store.js";
import { utf8Text } from "../../../src/core/bytes.js";
import { EVENT_FIELDS } from "../../../src/core/event.js";
import type { Filter } from "../../../src/query/filter.js";
import { ORDER_FIELDS } from "../../../src/query/order.js";
import { entryAt } from "../../core/segment/corpus.js";
import { receivedAt } from "../../stores/batches.js";
import { GROUP, LOG } from "./segment-indexes.js";

/** Two groups that are stored, and what is not yet. */
export const SIZE = 2 * GROUP + 3 * 256 + 77;
export const SEED = 20_261_129;

export const corpus = (size: number): readonly NewEntry[] =>
  Array.from({ length: size }, (_, leaf) => {
    const { canonical, leafHash } = entryAt(leaf);
    return { canonical: utf8Text(canonical) ?? "", leafHash, receivedAt: receivedAt(leaf) };
  });

const word = fc.constantFrom("alice", "bob", "logged", "in", "lo", "東", "京", "strasse", "7", "example", "nowhere");
const field = fc.constantFrom(...EVENT_FIELDS);
const filters = fc.letrec<{ filter: Filter }>((tie) => ({
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
      value: fc.constantFrom("", "ok", "failed", "edge", "alice@example.com", "user7@example.com", "/api/3", "nobody"),
    }),
    fc.constant({ kind: "all" as const }),
    fc.record({ kind: fc.constant("and" as const), filters: fc.array(tie("filter"), { minLength: 2, maxLength: 3 }) }),
    fc.record({ kind: fc.constant("or" as const), filters: fc.array(tie("filter"), { minLength: 2, maxLength: 3 }) }),
    fc.record({ kind: fc.constant("not" as const), filter: tie("filter") }),
  ),
})).filter;
export const leaves = fc.nat(SIZE - 1);
export const queries = fc.record({
  log: fc.constant(LOG),
  filter: filters,
  range: fc
    .oneof(fc.tuple(leaves, leaves), fc.constant([0, SIZE] as const))
    .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) })),
  order: fc.record({
    field: fc.constantFrom(...ORDER_FIELDS),
    direction: fc.constantFrom("asc" as const, "desc" as const),
  }),
});
