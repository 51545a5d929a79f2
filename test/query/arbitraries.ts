import fc from "fast-check";
import { EVENT_FIELDS, type AuditEvent } from "../../src/core/event.js";
import { instantText } from "../../src/core/instant.js";
import type { Filter } from "../../src/query/filter.js";

/** Few words, so that filters and events meet often; each stays one word when it is cut. */
const aWord = fc.constantFrom("alice", "alic", "log", "login", "logged", "in", "x1", "é", "京", "東", "and", "not");

const aText = fc
  .array(fc.oneof(aWord, fc.constantFrom("Alice", "LOG", "a.b", "-", '"', "\\", "AND", "")), { maxLength: 5 })
  .map((parts) => parts.join(" "));

const anInstant = fc.record({
  epochMs: fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2026, 0, 3) }),
  micros: fc.integer({ min: 0, max: 999 }),
});

const aTime = anInstant.chain((instant) =>
  fc.constantFrom(instantText(instant) ?? "", "2026-01-02T00:00+01:00", "1767312000", "later"),
);

const anObject = fc.dictionary(fc.constantFrom("log", "x1", "é"), fc.oneof(aText, fc.integer(), fc.boolean()));

const aField = fc.constantFrom(...EVENT_FIELDS);

export const anEvent: fc.Arbitrary<AuditEvent> = fc.record(
  {
    message: fc.oneof(aText, anObject),
    actor: aText,
    action: aText,
    new: fc.oneof(aText, anObject),
    old: fc.oneof(aText, anObject),
    source: aText,
    status: aText,
    target: aText,
    timestamp: aTime,
    tenant_id: aText,
  },
  { requiredKeys: ["message"], noNullPrototype: true },
);

/** Any filter an engine may be given, normalised or not. */
export const aFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.record({
      kind: fc.constant("phrase" as const),
      field: fc.option(aField, { nil: undefined }),
      words: fc.array(aWord, { minLength: 1, maxLength: 3 }),
      prefix: fc.boolean(),
    }),
    fc.record({ kind: fc.constant("exact" as const), field: aField, value: aText }),
    fc.record({ kind: fc.constant("present" as const), field: aField }),
    fc.oneof(
      fc.record({ kind: fc.constant("time" as const), start: anInstant, end: fc.constant(undefined) }),
      fc.record({ kind: fc.constant("time" as const), start: fc.constant(undefined), end: anInstant }),
    ),
    fc.constant({ kind: "all" as const }),
    fc.record({ kind: fc.constant("not" as const), filter: tie("filter") }),
    fc.record({
      kind: fc.constantFrom("and" as const, "or" as const),
      filters: fc.array(tie("filter"), { minLength: 2, maxLength: 3 }),
    }),
  ),
})).filter;
