import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { openBothExecutions, sorted, type BothExecutions } from "./both-executions.js";

let both: BothExecutions;

beforeAll(async () => {
  both = await openBothExecutions();
  for (const gateway of [both.compiled, both.fieldByField])
    await gateway.text('mutation { log(event: { message: "one", actor: "dana" }) { entry { id } } }');
});

afterAll(() => both.close());

/** A place in an operation that takes a value: the type of its variable, and values in the spelling of GraphQL. */
interface Place {
  readonly type: string;
  readonly values: readonly (readonly [literal: string, json: unknown])[];
}

const BOOLEAN: Place = {
  type: "Boolean",
  values: [
    ["true", true],
    ["false", false],
  ],
};
const TEXT: Place = {
  type: "String",
  values: [
    ['"one"', "one"],
    ['""', ""],
  ],
};
const INT: Place = {
  type: "Int",
  values: [
    ["1", 1],
    ["0", 0],
    ["-1", -1],
  ],
};
const SIZE: Place = {
  type: "AuditTreeSize",
  values: [
    ["1", 1],
    ["0", 0],
  ],
};
const IDS: Place = {
  type: "[ID!]",
  values: [
    ['["x"]', ["x"]],
    ['"x"', "x"],
    ["[]", []],
  ],
};
const ID: Place = {
  type: "ID",
  values: [
    ['"x"', "x"],
    ["7", 7],
  ],
};
const FIELD: Place = {
  type: "AuditEntryOrderField",
  values: [
    ["RECEIVED_AT", "RECEIVED_AT"],
    ["ACTOR", "ACTOR"],
  ],
};
const DIRECTION: Place = {
  type: "AuditOrderDirection",
  values: [
    ["ASC", "ASC"],
    ["DESC", "DESC"],
  ],
};
const ORDER: Place = {
  type: "AuditEntryOrder",
  values: [
    ["{}", {}],
    ["{ direction: ASC }", { direction: "ASC" }],
    ["{ field: null }", { field: null }],
    ["{ direction: null }", { direction: null }],
  ],
};
const WINDOW: Place = {
  type: "AuditTimeWindow",
  values: [
    ['{ last: "7d" }', { last: "7d" }],
    ["{ last: null }", { last: null }],
    ["{}", {}],
  ],
};
const EVENT: Place = {
  type: "AuditEventInput",
  values: [
    ['{ message: "x" }', { message: "x" }],
    ['{ message: "x", actor: null }', { message: "x", actor: null }],
    ["{ message: null }", { message: null }],
    ["{ message: { a: null } }", { message: { a: null } }],
    ["{}", {}],
  ],
};
const JSON_VALUE: Place = {
  type: "AuditEventValue",
  values: [
    ['"t"', "t"],
    ["{ a: [null] }", { a: [null] }],
  ],
};

/** Operations with a hole for each place. */
const TEMPLATES: readonly (readonly [text: string, places: readonly Place[]])[] = [
  ["query H { root { hash @include(if: H) treeSize @skip(if: H) __typename } }", [BOOLEAN, BOOLEAN]],
  ["query H { root { hash @include(if: H) @skip(if: H) __typename } }", [BOOLEAN, BOOLEAN]],
  [
    "query H { ...F @include(if: H) ... @skip(if: H) { a: root { treeSize } } } fragment F on Query { root { hash @skip(if: H) } }",
    [BOOLEAN, BOOLEAN, BOOLEAN],
  ],
  ["query H { root(treeSize: H) { treeSize } entry(leafIndex: H) { hash } }", [SIZE, SIZE]],
  ["query H { search(query: H, first: H, orderBy: H) { totalCount nodes { leafIndex } } }", [TEXT, INT, ORDER]],
  [
    "query H { search(window: H, orderBy: { field: H, direction: H }) { totalCount nodes { leafIndex } } }",
    [WINDOW, FIELD, DIRECTION],
  ],
  ["query H { search(window: { last: H }, last: H, after: H) { totalCount } }", [TEXT, INT, TEXT]],
  ["query H { nodes(ids: H) { id } node(id: H) { id } }", [IDS, ID]],
  ["query H { nodes(ids: [H, H]) { id } }", [ID, ID]],
  ["mutation H { log(event: H, sign: H, idempotencyKey: H) { entry { canonical } } }", [EVENT, BOOLEAN, TEXT]],
  [
    "mutation H { log(event: { message: H, actor: H, old: H }) { entry { canonical } } }",
    [JSON_VALUE, TEXT, JSON_VALUE],
  ],
  ["mutation H { logBulk(events: [H, H]) { entries { canonical } } }", [EVENT, EVENT]],
];

interface Filled {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What fills a hole: a literal, or a variable with its declaration and, or not, its value. */
interface Filling {
  readonly text: string;
  readonly declaration?: string;
  readonly value?: readonly [string, unknown];
}

function filling({ type, values }: Place, name: string): fc.Arbitrary<Filling> {
  const literal = fc.constantFrom(...values.map(([text]) => text), "null").map((text) => ({ text }));
  const initial = fc.constantFrom(...values.map(([text]) => ` = ${text}`), " = null", "", "", "");
  const given = fc.constantFrom<readonly unknown[]>(...values.map(([, json]) => [json]), [null], [null], [], []);
  const variable = fc
    .tuple(fc.constantFrom(type, type, `${type}!`), initial, given)
    .map(([declared, start, [...value]]) => ({
      text: `$${name}`,
      declaration: `$${name}: ${declared}${start}`,
      ...(value.length > 0 && { value: [name, value[0]] as const }),
    }));
  return fc.oneof({ weight: 1, arbitrary: literal }, { weight: 4, arbitrary: variable });
}

const operations: fc.Arbitrary<Filled> = fc.constantFrom(...TEMPLATES).chain(([template, places]) =>
  fc.tuple(...places.map((place, index) => filling(place, `v${index}`))).map((fillings) => {
    const declarations = fillings.flatMap(({ declaration }) => declaration ?? []);
    const texts = [
      declarations.length === 0 ? "" : `(${declarations.join(", ")})`,
      ...fillings.map(({ text }) => text),
    ];
    return {
      query: template.replaceAll(/\bH\b/g, () => texts.shift() ?? ""),
      variables: Object.fromEntries(fillings.flatMap(({ value }) => (value === undefined ? [] : [value]))),
    };
  }),
);

test("an operation is answered alike the first time, field by field, and later, compiled", async () => {
  await fc.assert(
    fc.asyncProperty(operations, async ({ query, variables }) => {
      const one = await both.compiled.text(query, variables);
      const other = await both.fieldByField.text(query, variables);
      expect(sorted(one)).toEqual(sorted(other));
    }),
    { numRuns: 600 },
  );
}, 300_000);
