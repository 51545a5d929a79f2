import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { getIntrospectionQuery } from "graphql";
import { openBothExecutions, sorted, type BothExecutions } from "./both-executions.js";

const ENTRY_ID = Buffer.from("Entry:1:default").toString("base64url");
const ROOT_ID = Buffer.from("Root:2:default").toString("base64url");

let both: BothExecutions;

beforeAll(async () => {
  both = await openBothExecutions();
});

afterAll(() => both.close());

const OPTIONAL = `query ($order: AuditOrderDirection, $first: Int, $deep: Boolean!) {
  search(orderBy: { direction: $order }, first: $first) {
    nodes { leafIndex ...E @include(if: $deep) }
    ... @skip(if: $deep) { totalCount }
  }
}
fragment E on AuditEntry { event { message old } }`;

const INPUT = `mutation ($actor: String, $old: AuditEventValue) {
  log(event: { message: { a: [1, null] }, actor: $actor, old: $old }) { entry { canonical } }
}`;

const cases: readonly (readonly [name: string, query: string, variables?: object])[] = [
  [
    "two mutations, one after the other",
    'mutation { a: log(event: { message: "1" }) { entry { leafIndex } } b: log(event: { message: "2" }) { root { treeSize hash } } }',
  ],
  ["an absent variable inside an input", INPUT, {}],
  ["a null variable inside an input", INPUT, { actor: null, old: null }],
  ["an object as a variable inside an input", INPUT, { actor: "a", old: { z: 1, a: [null] } }],
  ["a bad event", 'mutation { log(event: { message: "", actor: null }) { entry { id } } }'],
  ["a variable that does not coerce", "query ($n: AuditTreeSize) { root(treeSize: $n) { hash } }", { n: -1 }],
  ["a missing variable", "query ($n: AuditTreeSize!) { root(treeSize: $n) { hash } }", {}],
  ["included and skipped fragments", OPTIONAL, { deep: true, order: "ASC" }],
  ["skipped and included fragments", OPTIONAL, { deep: false, order: "DESC", first: 1 }],
  [
    "a variable inside a JSON literal",
    "mutation ($a: String) { log(event: { message: { a: $a } }) { entry { canonical } } }",
    { a: "x" },
  ],
  ["a null where there must be none", 'query ($ids: [ID!]! = ["x"]) { nodes(ids: $ids) { id } }', { ids: null }],
  [
    "a null for an argument that must not be null",
    'query ($query: String = "") { search(query: $query) { totalCount } }',
    { query: null },
  ],
  [
    "an interface",
    `{ node(id: "${ENTRY_ID}") { __typename id ... on AuditEntry { leafIndex } ... on AuditRoot { treeSize } } }`,
  ],
  [
    "a list of an interface with errors and nulls in it",
    `{ nodes(ids: ["${ROOT_ID}", "x", "${ENTRY_ID}", "${Buffer.from("Entry:99:default").toString("base64url")}"]) { id ... on AuditRoot { hash } } }`,
  ],
  [
    "entities",
    `{ _entities(representations: [{ __typename: "AuditEntry", id: "${ENTRY_ID}" }, { __typename: "AuditRoot", id: "${ROOT_ID}" }]) { __typename ... on AuditEntry { hash } ... on AuditRoot { hash } } }`,
  ],
  ["the subgraph's own text", "{ _service { sdl } }"],
  [
    "an error in a nullable field beside data",
    "{ a: entry(leafIndex: 1) { membershipProof(treeSize: 1) { text } } b: entry(leafIndex: 0) { hash } }",
  ],
  ["an error that leaves no data", "{ root(treeSize: 99) { hash } }"],
  [
    "proofs and verdicts",
    "{ search { edges { cursor membershipProof { path text } verification { membership { status reason } signature { status reason } } } pageInfo { startCursor endCursor hasNextPage } } }",
  ],
  ["a field asked for under two names", "{ root { a: hash b: hash __typename } r: root { treeSize } }"],
  ["introspection", getIntrospectionQuery()],
];

describe("compiled execution answers as field by field does:", () => {
  test.each(cases)("%s", async (_, query, variables = {}) => {
    const [one, other] = [await both.compiled.text(query, variables), await both.fieldByField.text(query, variables)];
    expect(sorted(one)).toEqual(sorted(other));
  });
});
