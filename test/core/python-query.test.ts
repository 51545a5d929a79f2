import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { customNames, type EventSchema } from "../../src/core/event-schema.js";
import type { FieldName } from "../../src/core/event.js";
import { questionText } from "../../src/core/segment/question.js";
import { allOf } from "../../src/query/filter.js";
import { readQuery } from "../../src/query/own-fields.js";
import { parseQuery } from "../../src/query/parser.js";
import { printFilter } from "../../src/query/print.js";
import { describeWith } from "../service.js";
import { aFilter } from "../query/arbitraries.js";
import { evaluated, HAS_PYTHON } from "./python-expression.js";

const SEED = 20_261_129;

/** Pieces that queries are made of, right and wrong, so that most rules of the language meet. */
const piece = fc.oneof(
  fc.constantFrom(
    "alice",
    "Log*",
    "*",
    "a*b",
    "10.0.*",
    "é",
    "e\u0301*",
    "😀*",
    "東京",
    "a-b",
    "x1",
    "---",
    "&",
    "=>",
    "std::string",
    "\u00a0",
    "\u0085",
  ),
  fc.constantFrom(
    "AND",
    "OR",
    "NOT",
    "and",
    "-",
    "!",
    "(",
    ")",
    '"',
    '""',
    '"a b"',
    '"a b"*',
    '"a "*',
    '" "',
    '"\\"x\\\\"',
    '"a*"',
  ),
  fc.constantFrom(
    ...[
      "actor",
      "tenantId",
      "tenant_id",
      "timestamp",
      "mesage",
      "Actor",
      "sttaus",
      "tenant",
      "received_at",
      "user",
      "new",
    ],
  ),
  fc.constantFrom(":", "=", "!:", "!=", "<", ">=", "<=", ">", "://", " ", " ", " "),
  fc.constantFrom("2026-03-01", "2026-02-30", "2026-03-01T12:30+02:00", "0000-01-01", "9999-12-31", "1767312000", "7d"),
  fc.string({ unit: "binary", maxLength: 3 }),
);
const written = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(""));
const spaced = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(" "));
const printed = aFilter.map(printFilter);
const LIMITS = [
  "a ".repeat(256),
  "a ".repeat(257),
  `"${"a ".repeat(32)}"`,
  `"${"a ".repeat(33)}"`,
  "a* ".repeat(16),
  "a* ".repeat(17),
  `${"(".repeat(32)}a${")".repeat(32)}`,
  `${"(".repeat(33)}a${")".repeat(33)}`,
  `${"-".repeat(32)}a`,
  `${"NOT ".repeat(33)}a`,
  `"${"😀".repeat(4_093)}a"`,
  `"${"😀".repeat(4_094)}a"`,
  "\ud800",
  "a\0",
  "timestamp<=9999-12-31",
  "timestamp>9999-12-31T23:59:59.999999Z",
];
const DOCUMENTED = readFileSync("docs/query-language.md", "utf8").matchAll(/^\| `([^`]+)`/gm);

/** The filter of a query as a question has it; "no query" for what is none, and undefined for one that no question can have. */
function own(query: string, customFields: readonly FieldName[] = []): unknown {
  const parsed = parseQuery(query, customFields);
  if (parsed.kind === "syntax-error") return "no query";
  try {
    const rest = { window: { from: undefined, until: undefined }, after: undefined, descending: false } as const;
    const text = questionText({ ...rest, filter: allOf([parsed.filter]), wanted: { kind: "page", limit: 1 } });
    return (JSON.parse(text) as { readonly filter: unknown }).filter;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

describeWith("python3", HAS_PYTHON, () => {
  test(`Python reads a query as the gateway does, or refuses it as that does (seed ${SEED})`, () => {
    const made = [written, spaced, printed].flatMap((some) => fc.sample(some, { numRuns: 4_000, seed: SEED }));
    const queries = [...made, ...LIMITS, ...Array.from(DOCUMENTED, ([, query = ""]) => query)];
    const told = evaluated("[known(read_query, text) for text in input]", queries) as readonly unknown[];
    const judged = queries.map((query, place) => ({ query, core: own(query), python: told[place] }));
    const comparable = judged.filter(({ core, python }) => core !== undefined && python !== null);
    expect(comparable.filter(({ core, python }) => !isDeepStrictEqual(core, python))).toEqual([]);
    // Agreement means something where there are both.
    expect(comparable.filter(({ core }) => core === "no query").length).toBeGreaterThan(2_000);
    expect(comparable.filter(({ core }) => core !== "no query").length).toBeGreaterThan(5_000);
    // A time behind the year 9999 is no time of a question.
    const beyond = judged.filter(({ core }) => core === undefined);
    expect(beyond.length).toBeGreaterThan(0);
    for (const { python } of beyond) expect(JSON.stringify(python)).toContain('"10000"');
  });

  test(`Python knows the fields of a log's own, and what they would change (seed ${SEED})`, () => {
    const name = fc.constantFrom("amount", "is_paid", "n", "actor", "mesage", "constructor", "received_at");
    const term = fc
      .tuple(
        name,
        fc.constantFrom(":", "=", "!=", "!:", "<", "::", ":/", ""),
        fc.constantFrom("7", "*", '"a b"', "(x OR y)", "//h", ""),
      )
      .map((parts) => parts.join(""));
    const queries = fc.sample(
      fc.array(term, { maxLength: 4 }).map((terms) => terms.join(" ")),
      { numRuns: 1_500, seed: SEED },
    );
    const names = ["amount", "is_paid", "n"];
    const told = evaluated(
      `[known(read_query, text, ${JSON.stringify(names)}) for text in input]`,
      queries,
    ) as readonly unknown[];
    const fields = customNames({ fields: names.map((id) => ({ id, type: "text" })) } as unknown as EventSchema);
    const wrong = queries.filter((query, place) => !isDeepStrictEqual(own(query, fields), told[place]));
    expect(wrong).toEqual([]);
    const ambiguous = evaluated("[q.ambiguous_name(text) for text in input]", queries) as readonly (string | null)[];
    const inCore = queries.map((query) => {
      const read = readQuery(query, undefined);
      return read.kind === "ambiguous" ? read.name : null;
    });
    expect(ambiguous).toEqual(inCore);
    expect(ambiguous.filter((one) => one !== null).length).toBeGreaterThan(300);
    expect(ambiguous.filter((one) => one === null).length).toBeGreaterThan(300);
  });

  test(`Python writes a filter as the gateway does (seed ${SEED})`, () => {
    const filters = fc.sample(aFilter, { numRuns: 3_000, seed: SEED });
    const rest = { window: { from: undefined, until: undefined }, after: undefined, descending: false } as const;
    const questions = filters.map(
      (filter) => JSON.parse(questionText({ ...rest, filter, wanted: { kind: "page", limit: 1 } })) as unknown,
    );
    expect(evaluated('[q.query_text(one["filter"]) for one in input]', questions)).toEqual(filters.map(printFilter));
  });
});
