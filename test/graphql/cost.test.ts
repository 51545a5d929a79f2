import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  getIntrospectionQuery,
  getNullableType,
  getOperationAST,
  isListType,
  isObjectType,
  parse,
  type GraphQLField,
} from "graphql";
import { CostMeasure } from "../../src/graphql/cost.js";
import { LIMITS } from "../../src/graphql/limits.js";
import { auditSchema } from "../../src/graphql/schema.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";

const schema = await auditSchema();
const measure = new CostMeasure(schema);

function cost(text: string, variables: Readonly<Record<string, unknown>> = {}): number {
  const document = parse(text);
  const operation = getOperationAST(document);
  if (!operation) throw new Error("no operation");
  return measure.cost(document, operation, variables);
}

/** Federation's own, priced where they are read. */
const FEDERATED = new Set(["_entities", "_service"]);

describe("a field", () => {
  const fields = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type))
    .filter((type) => !type.name.startsWith("__"))
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ name: `${type.name}.${field.name}`, field })))
    .filter(({ field }) => !FEDERATED.has(field.name));

  test("that is a list, or that a resolver of ours works out, has its cost beside it", () => {
    const isList = ({ type }: GraphQLField<unknown, unknown>): boolean => isListType(getNullableType(type));
    const priced = fields.filter(({ field }) => isList(field) || field.resolve || field.subscribe);
    expect(priced.length).toBeGreaterThan(40);
    const unpriced = priced.filter(({ field }) => typeof field.extensions["complexity"] !== "number");
    expect(unpriced.map(({ name }) => name)).toEqual([]);
  });

  test("that is costly has more than a value's", () => {
    const costly = fields.filter(({ field }) => Number(field.extensions["complexity"]) > 1);
    expect(Object.fromEntries(costly.map(({ name, field }) => [name, field.extensions["complexity"]]))).toMatchObject({
      ...{
        "Auditable.auditTrail": 100,
        "AuditRootVerification.checkpoint": 80,
        "AuditEntryVerification.signature": 40,
      },
      ...{
        "AuditRoot.consistencyProof": 40,
        "AuditEntry.membershipProof": 15,
        "AuditEntryEdge.membershipProof": 15,
        "AuditLogPayload.membershipProof": 15,
        "AuditMembershipProof.path": 20,
        "AuditEntryEdge.cursor": 8,
      },
    });
  });
});

describe("the cost of an operation", () => {
  test.each<[string, string, number, Readonly<Record<string, unknown>>?]>([
    ["each field once", "{ root { hash treeSize } __typename }", 4],
    ["a page by its size", "{ search(first: 100) { nodes { hash } } }", 1 + 100 * 2],
    ["the last of a page", "{ search(last: 7) { totalCount } }", 1 + 7],
    ["a page of the default size", "{ search { totalCount } }", 1 + 20],
    ["a size from a variable", "query ($n: Int) { search(first: $n) { totalCount } }", 51, { n: 50 }],
    ["a variable's default", "query ($n: Int = 30) { search(first: $n) { totalCount } }", 31],
    ["a variable that is null", "query ($n: Int = 30) { search(first: $n) { totalCount } }", 21, { n: null }],
    ["a size beyond the service's as the most it gives", "{ search(first: 1000000) { totalCount } }", 1001],
    ["a negative size as one", "{ search(first: -5) { totalCount } }", 2],
    ["a page of none as one, for what is counted", "{ search(first: 0) { totalCount } }", 2],
    ["proofs by their work", "{ search(first: 10) { edges { membershipProof { path } } } }", 1 + 10 * (1 + 15 + 20)],
    ["proofs of roots, too", "{ root { consistencyProof(fromSize: 1) { path } } }", 1 + 40 + 20],
    [
      "signatures as often as they are checked",
      "{ entry(leafIndex: 0) { signature verification { a: signature { status } b: signature { status } } } }",
      1 + 1 + 15 + 2 * (40 + 1),
    ],
    ["checkpoints, too", "{ root { checkpoint verification { checkpoint { status } } } }", 1 + 1 + 15 + 80 + 1],
    [
      "hashes where they are checked, not where they are shown",
      "{ entry(leafIndex: 0) { hash verification { hash { status } } } }",
      1 + 1 + 15 + 15 + 1,
    ],
    ["cursors by their work", "{ search(first: 10) { edges { cursor } } }", 1 + 10 * (1 + 8)],
    [
      "verdicts by their work",
      "{ search(first: 10) { nodes { verification { membership { status } } } } }",
      1 + 10 * (1 + 15 + 11),
    ],
    ["ids one by one", '{ nodes(ids: ["a", "b", "c"]) { id } }', 4],
    ["ids in a variable", "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", 3, { ids: ["a", "b"] }],
    [
      "events by their receipts",
      'mutation { logBulk(events: [{ message: "a" }, { message: "b" }]) { entries { hash } } }',
      5,
    ],
    ["a bulk request as the longest", '{ bulkRequest(id: "a") { root { hash } } }', 1 + 1000 * 2],
    ["lists of the schema", "{ __schema { types { fields { args { name } } } } }", 1 + (1 + 60 * (1 + 8 * (1 + 4)))],
    [
      "the schema in a fragment as often as it is spread",
      '{ a: __schema { ...A } b: __schema { ...A } c: __type(name: "Query") { fields { name } } } fragment A on __Schema { types { name } }',
      2 * (1 + 1 + 60) + (1 + 1 + 8),
    ],
    [
      "pages inside a list",
      "query ($r: [_Any!]!) { _entities(representations: $r) { ... on Auditable { auditTrail(first: 5) { totalCount } } } }",
      1 + 3 * (10 + 100 + 5),
      { r: [{}, {}, {}] },
    ],
    [
      "a fragment where it is spread",
      "{ search(first: 2) { ...F } } fragment F on AuditEntryConnection { nodes { hash } }",
      5,
    ],
  ])("counts %s", (...[, text, expected, variables]) => {
    expect(cost(text, variables)).toBe(expected);
  });

  test("leaves room for a page of 1,000 entries with all that there is of each", () => {
    const event = "event { actor action message new old source status target tenantId timestamp }";
    const plain = `id log leafIndex hash receivedAt signature publicKey canonical ${event}`;
    const root = "root { id log treeSize hash checkpoint publishedAt origin publicKey }";
    const proof = `membershipProof { id leafIndex treeSize leafHash rootHash path text ${root} }`;
    const verdicts = ["hash", "signature", "membership", "consistency"].map((name) => `${name} { status reason }`);
    const edge = `id cursor node { ${plain} } ${proof} verification { ${verdicts.join(" ")} }`;
    expect(cost(`{ search(first: 1000) { totalCount edges { ${edge} } } }`)).toBeLessThan(LIMITS.cost);
  });

  test("leaves room for the standard introspection query", () => {
    const everything = getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true, oneOf: true });
    expect(cost(everything)).toBeLessThan(LIMITS.cost);
  });

  test("is known in linear time when fragments are spread twice at every level", () => {
    const levels = Array.from({ length: 60 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`);
    const end = "fragment F60 on Query { search(first: $n) { totalCount } }";
    expect(cost(`query ($n: Int) { ...F0 } ${levels.join(" ")} ${end}`, { n: 1 })).toBe(2 ** 61);
  });
});

describe("the limit of the cost", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await testGateway(await openTestService());
  });

  afterAll(() => gateway.close());

  const fields = (count: number) => "__typename ".repeat(count);
  const full = Array.from({ length: 10 }, (_, i) => `s${i}: search(first: 1000) { ${fields(19)} }`).join(" ");
  const query = `query ($n: Int) { ${full} search(first: $n) { ${fields(10)} } ${fields(9)} }`;

  test.each([997, 998])("lets a page of %i pass that stays within it", async (n) => {
    expect(cost(query, { n })).toBe(LIMITS.cost - 10 * (998 - n));
    expect((await gateway.text(query, { n })).errors).toBeUndefined();
  });

  test("refuses a page that goes beyond it, with the number, and nothing is done", async () => {
    const { message, extensions } = await gateway.error(query, { n: 999 });
    expect(message).toBe(
      "The operation costs up to 200010, but the limit is 200000: ask for smaller pages, fewer fields, fewer proofs or fewer trails.",
    );
    expect(extensions).toEqual({ code: "BAD_USER_INPUT" });
  });
});

test("a request full of mistakes is answered the first hundred, and how many more there are", async () => {
  const gateway = await testGateway(await openTestService());
  const log = "mutation ($events: [AuditEventInput!]!) { logBulk(events: $events) { root { treeSize } } }";
  const events = (count: number) => Array.from({ length: count }, () => ({ message: "" }));
  const told = async (count: number) => {
    const { message, extensions } = await gateway.error(log, { events: events(count) });
    const { problems = [] } = extensions as { readonly problems?: readonly unknown[] };
    return { problems: problems.length, rest: / more like these$/.test(message), named: message.includes("[99]") };
  };
  expect(await told(100)).toEqual({ problems: 100, rest: false, named: true });
  expect(await told(101)).toEqual({ problems: 100, rest: true, named: true });
  await gateway.close();
});
