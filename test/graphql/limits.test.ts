import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { getIntrospectionQuery, parse, validate } from "graphql";
import { LIMITS, limitRules } from "../../src/graphql/limits.js";
import { auditSchema } from "../../src/graphql/schema.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";

const schema = await auditSchema();

/** What the limits alone have to say about a document. */
function complaints(document: string): readonly string[] {
  return validate(schema, parse(document), limitRules).map(({ message }) => message);
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
      `query ${nested(half).replace("a }", "a { ...F } }")} fragment F on Entry ${nested(inner)}`;
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
    const document = (count: number) => `{ root ${"@include(if: true) ".repeat(count)} { hash } }`;
    expect(complaints(document(LIMITS.directives))).toEqual([]);
    expect(complaints(document(LIMITS.directives + 1))).toHaveLength(1);
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

describe("the limit of tokens", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await testGateway(await openTestService());
  });

  afterAll(() => gateway.close());

  test("is checked as a document is read: up to it the service answers, beyond it the parser", async () => {
    // 12 tokens around the ids, of which the service takes fewer than these
    const codeOf = async (tokens: number) =>
      (await gateway.error(`{ nodes(ids: [${'"a" '.repeat(tokens - 12)}]) { id } }`)).extensions?.["code"];
    expect(await codeOf(LIMITS.tokens - 1)).toBe("BAD_USER_INPUT");
    expect(await codeOf(LIMITS.tokens)).toBe("BAD_USER_INPUT");
    expect(await codeOf(LIMITS.tokens + 1)).toBe("GRAPHQL_PARSE_FAILED");
  });
});
