import fc from "fast-check";
import type { NewEntry } from "../../src/audit/store.js";
import { utf8 } from "../../src/core/bytes.js";
import { EVENT_FIELDS, type AuditEvent } from "../../src/core/event.js";
import { logFormat } from "../../src/core/format.js";
import { nodeSha256 } from "../../src/keys/node-crypto.js";
import type { ExactFilter, Filter, PhraseFilter } from "../../src/query/filter.js";
import { ORDER_FIELDS, type EntryOrder } from "../../src/query/order.js";
import { parseQuery } from "../../src/query/parser.js";
import { words } from "../../src/core/words/words.js";
import { receivedAt } from "./batches.js";

const FORMAT = logFormat("rfc6962", nodeSha256);

/** An event as it would be logged, `tick` microseconds after the log began. */
export function logged(event: AuditEvent, tick: number): NewEntry {
  const at = receivedAt(tick);
  const canonical = FORMAT.canonicalText({ event, received_at: at });
  return { canonical, leafHash: FORMAT.leafHash(utf8(canonical)), receivedAt: at };
}

/** Few and related, so that random filters find something: words of each other, of several scripts, folded and decomposed forms. */
const TEXTS = [
  "alice",
  "Alice",
  "bob",
  "login failed",
  "Login",
  "failed login",
  "log",
  "user@example.com",
  "test-1700.12",
  "foo_bar",
  "straße STRASSE",
  "e\u0301te\u0301 été",
  "ﬁle ①",
  "東京タワー",
  "東 京",
  "🦆 duck",
  "！＂full width",
  "",
  "-",
  '"quoted" AND (x OR y*)',
  "x".repeat(130),
  "😀 after ｆ",
  "null\0byte \0\0é",
] as const;

const text = fc.constantFrom(...TEXTS);
const phraseText = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
);

/** A lone surrogate cannot be logged. */
const message = phraseText.map((value) => (/\p{Cs}/u.test(value) ? "odd" : value));

const object = fc.dictionary(
  fc.constantFrom("name", "login", "a b", "東京"),
  fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)),
);

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

/** Other JSON than text and objects. */
const plain = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.array(text));

export const eventArbitrary: fc.Arbitrary<AuditEvent> = fc
  .record({
    message: fc.oneof(message, object),
    actor: optional(text),
    action: optional(text),
    new: optional(fc.oneof(object, plain)),
    old: optional(fc.oneof(text, plain)),
    source: optional(text),
    status: optional(text),
    target: optional(text),
    timestamp: optional(fc.oneof(text, fc.integer())),
    tenant_id: optional(text),
  })
  .map((fields) => withoutAbsent(fields));

function withoutAbsent(fields: { readonly [field in keyof AuditEvent]: AuditEvent[field] | undefined }): AuditEvent {
  const { message: text = "", ...rest } = fields;
  const present = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { message: text, ...present };
}

const field = fc.constantFrom(...EVENT_FIELDS);

const phrase: fc.Arbitrary<PhraseFilter> = fc
  .record({
    kind: fc.constant("phrase" as const),
    field: optional(field),
    words: phraseText.map(words),
    prefix: fc.boolean(),
  })
  .filter((filter) => filter.words.length > 0)
  .map((filter) => (filter.prefix ? { ...filter, words: shortened(filter.words) } : filter));

/** A prefix is the beginning of a word more often than a whole one. */
function shortened(whole: readonly string[]): readonly string[] {
  const last = whole.at(-1) ?? "";
  return [...whole.slice(0, -1), last.slice(0, 2)];
}

const exact: fc.Arbitrary<ExactFilter> = fc.record({ kind: fc.constant("exact" as const), field, value: phraseText });

const anyFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => {
  const several = fc.array(tie("filter"), { minLength: 2, maxLength: 3 });
  return {
    filter: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { weight: 4, arbitrary: phrase },
      { weight: 2, arbitrary: exact },
      { weight: 1, arbitrary: fc.constant<Filter>({ kind: "all" }) },
      { weight: 2, arbitrary: several.map((filters): Filter => ({ kind: "and", filters })) },
      { weight: 2, arbitrary: several.map((filters): Filter => ({ kind: "or", filters })) },
      { weight: 2, arbitrary: tie("filter").map((filter): Filter => ({ kind: "not", filter })) },
    ),
  };
}).filter;

const term = fc
  .tuple(
    fc.constantFrom("", "", "-", "NOT "),
    fc.constantFrom("", "actor:", "message:", "new:", "target="),
    text,
    fc.constantFrom("", "*"),
  )
  .map(([sign, scope, value, star]) => `${sign}${scope}${/^\w+$/.test(value) ? value + star : quotedText(value)}`);

const quotedText = (value: string): string => `"${value.replace(/["\\]/g, "")}"`;

/** Queries as people type them; those the parser refuses are left out. */
const typedFilter: fc.Arbitrary<Filter> = fc
  .array(fc.tuple(term, fc.constantFrom(" ", " AND ", " OR ", ") (", ") OR (")), { minLength: 1, maxLength: 5 })
  .map((parts) =>
    parseQuery(`(${parts.map(([first, glue], place) => first + (place < parts.length - 1 ? glue : "")).join("")})`),
  )
  .filter((parsed) => parsed.kind === "parsed")
  .map((parsed) => parsed.filter);

export const filterArbitrary = fc.oneof({ weight: 2, arbitrary: anyFilter }, { weight: 1, arbitrary: typedFilter });

export const orderArbitrary: fc.Arbitrary<EntryOrder> = fc.record({
  field: fc.constantFrom(...ORDER_FIELDS),
  direction: fc.constantFrom("asc" as const, "desc" as const),
});
