import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { getIntrospectionQuery, parse, specifiedRules, validate } from "graphql";
import { LIMITS, limitRules } from "../../src/graphql/limits.js";
import { auditSchema } from "../../src/graphql/schema.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";

const schema = await auditSchema();

/** What the limits alone have to say about a document. */
function complaints(document: string): readonly string[] {
  return validate(schema, parse(document), limitRules).map(({ message }) => message);
}

/** What a request is told: the limits and GraphQL's own rules, in Apollo's order. */
function allErrors(document: string): readonly string[] {
  return validate(schema, parse(document), [...specifiedRules, ...limitRules]).map(({ message }) => message);
}

/** `{ a { a { … } } }`, so many fields inside each other. */
function nested(depth: number): string {
  return "{ a ".repeat(depth) + "}".repeat(depth);
}

describe("the limits of a document", () => {
  test("let the standard introspection query pass", () => {
    expect(complaints(getIntrospectionQuery())).toEqual([]);
  });

  test("allow fields up to the depth and none deeper", () => {
    expect(complaints(nested(LIMITS.depth))).toEqual([]);
    expect(complaints(nested(LIMITS.depth + 1))).toEqual([
      `The document has fields nested too deeply: the limit is ${LIMITS.depth}.`,
    ]);
  });

  test("follow fragments for the depth", () => {
    const half = LIMITS.depth / 2;
    const document = (inner: number) =>
      `query ${nested(half).replace("a }", "a { ...F } }")} fragment F on AuditEntry ${nested(inner)}`;
    expect(complaints(document(half))).toEqual([]);
    expect(complaints(document(half + 1))).toHaveLength(1);
  });

  test("end on fragments that spread each other", () => {
    expect(complaints("{ ...A } fragment A on Query { a ...B } fragment B on Query { ...A b }")).toEqual([]);
  });

  test("take a fragment spread twice at every level in linear time", () => {
    const levels = Array.from({ length: 60 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`);
    expect(complaints(`{ ...F0 } ${levels.join(" ")} fragment F60 on Query { a }`)).toEqual([]);
  });

  test("allow so many aliases and no more, __typename included", () => {
    const document = (count: number) =>
      `{ root { ${Array.from({ length: count }, (_, i) => `a${i}: __typename`).join(" ")} } }`;
    expect(complaints(document(LIMITS.aliases))).toEqual([]);
    expect(complaints(document(LIMITS.aliases + 1))).toEqual([
      `The document has too many aliases: the limit is ${LIMITS.aliases}.`,
    ]);
  });

  test("allow so many directives and no more", () => {
    const field = "hash @include(if: true) ";
    const document = (count: number) => `{ root { ${field.repeat(count)} } }`;
    expect(complaints(document(LIMITS.directives))).toEqual([]);
    expect(complaints(document(LIMITS.directives + 1))).toEqual([
      `The document has too many directives: the limit is ${LIMITS.directives}.`,
    ]);
  });

  test("allow so many directives at one place and report more of them once", () => {
    const most = LIMITS.directivesAtOnePlace;
    const document = (count: number) => `{ root ${"@include(if: true) ".repeat(count)} { hash } }`;
    expect(complaints(document(most))).toEqual([]);
    expect(complaints(document(most + 1))).toEqual([
      `The document has too many directives at one place: the limit is ${most}.`,
    ]);
    expect(allErrors(`{ root { hash ${"@aa ".repeat(10)} } }`)).toHaveLength(1);
  });

  test("allow so many operations and fragments and no more", () => {
    const fragments = (count: number) =>
      Array.from({ length: count }, (_, i) => `fragment F${i} on Query { a }`).join(" ");
    expect(complaints(`{ ...F0 } ${fragments(LIMITS.definitions - 1)}`)).toEqual([]);
    expect(complaints(`{ ...F0 } ${fragments(LIMITS.definitions)}`)).toEqual([
      `The document has too many operations and fragments: the limit is ${LIMITS.definitions}.`,
    ]);
    const operations = Array.from({ length: 6_000 }, (_, i) => `query Q${i} { a }`).join(" ");
    expect(allErrors(operations)).toHaveLength(1);
  });

  test("allow so many variables and no more", () => {
    const document = (count: number) =>
      `query (${Array.from({ length: count }, (_, i) => `$v${i}: Int`).join(" ")}) { a }`;
    expect(complaints(document(LIMITS.variables))).toEqual([]);
    expect(complaints(document(LIMITS.variables + 1))).toHaveLength(1);
  });

  test("allow so many selections and no more, those of fragments included", () => {
    const document = (count: number) => `{ root { ...F } } fragment F on AuditRoot { ${"hash ".repeat(count - 2)} }`;
    expect(complaints(document(LIMITS.selections))).toEqual([]);
    expect(complaints(document(LIMITS.selections + 1))).toEqual([
      `The document has too many selections: the limit is ${LIMITS.selections}.`,
    ]);
  });

  const inline = (levels: number) => `${"... { ".repeat(levels)}a${" }".repeat(levels)}`;
  const lists = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  test.each<[string, (levels: number) => string]>([
    ["inline fragments", (levels) => `{ ${inline(levels - 1)} }`],
    ["lists of a literal", (levels) => `{ a(b: ${lists(levels - 1)}) }`],
    ["objects of a literal", (levels) => `{ a(b: ${"{c:".repeat(levels - 1)}1${"}".repeat(levels - 1)}) }`],
    ["lists of a type", (levels) => `query ($q: ${lists(levels).replace("[]", "[Int]")}) { a }`],
    [
      "fragments that spread each other",
      (levels) =>
        `{ ...F1 } ${Array.from({ length: 49 }, (_, i) => `fragment F${i + 1} on Query { ...F${i + 2} }`).join(" ")} ` +
        `fragment F50 on Query { ${inline(levels - 51)} }`,
    ],
  ])("allow %s up to the nesting and no deeper", (_, document) => {
    expect(complaints(document(LIMITS.nesting))).toEqual([]);
    expect(complaints(document(LIMITS.nesting + 1))).toEqual([
      `The document has too much inside each other: the limit is ${LIMITS.nesting}.`,
    ]);
  });

  test.each([
    ["inline fragments", `{ ${inline(1_500)} }`],
    [
      "fragments in the longest chain, each as deep as may be",
      `{ ...F0 } ${Array.from({ length: 19 }, (_, i) => `fragment F${i} on Query { ${inline(98).replace("a", `...F${i + 1}`)} }`).join(" ")} fragment F19 on Query { a }`,
    ],
    ["lists of a type", `query ($q: ${lists(6_000).replace("[]", "[Int]")}) { a }`],
  ])("leave no stack to run out of %s to other rules", (_, document) => {
    expect(allErrors(document)).toEqual([
      `The document has too much inside each other: the limit is ${LIMITS.nesting}.`,
    ]);
  });

  test("count the fields at the top of each operation, those of fragments included", () => {
    const fields = (count: number) => Array.from({ length: count }, (_, i) => `a${i}: __typename`).join(" ");
    const document = (count: number) =>
      `{ ...F ... on Query { ${fields(count - 1)} } } fragment F on Query { f: __typename }`;
    expect(complaints(document(LIMITS.rootFields))).toEqual([]);
    expect(complaints(document(LIMITS.rootFields + 1))).toEqual([
      `The document has too many fields at the top of an operation: the limit is ${LIMITS.rootFields}.`,
    ]);
  });
});

describe("the limits of a document's text", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await testGateway(await openTestService());
  });

  afterAll(() => gateway.close());

  test("are its characters, counted before it is parsed", async () => {
    const answer = async (characters: number) => gateway.text("{ root { treeSize } }#\n".padEnd(characters, "#\n"));
    expect(await answer(LIMITS.characters)).toEqual({ data: { root: { treeSize: 0 } } });
    const message = `The document has ${LIMITS.characters + 1} characters: the limit is ${LIMITS.characters}. Send data in variables.`;
    expect(await answer(LIMITS.characters + 1)).toEqual({
      errors: [{ message, extensions: { code: "GRAPHQL_PARSE_FAILED" } }],
    });
  });

  test("are no stack: what is nested deeper than the parser can go is told so", async () => {
    const { message, extensions } = await gateway.error("{a".repeat(20_000));
    expect([message, extensions?.["code"]]).toEqual(["The document is nested too deeply.", "GRAPHQL_PARSE_FAILED"]);
  });

  test("are its tokens, counted as it is read: up to it the service answers, beyond it the parser", async () => {
    // 12 tokens around the ids, of which the service takes fewer than these
    const codeOf = async (tokens: number) =>
      (await gateway.error(`{ nodes(ids: [${'"a" '.repeat(tokens - 12)}]) { id } }`)).extensions?.["code"];
    expect(await codeOf(LIMITS.tokens - 1)).toBe("BAD_USER_INPUT");
    expect(await codeOf(LIMITS.tokens)).toBe("BAD_USER_INPUT");
    expect(await codeOf(LIMITS.tokens + 1)).toBe("GRAPHQL_PARSE_FAILED");
  });
});
