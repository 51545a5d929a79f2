import { composeServices } from "@apollo/composition";
import { describe, expect, test } from "@jest/globals";
import { isIntrospectionType, isSpecifiedScalarType, parse } from "graphql";
import { auditSchema, auditSchemaText } from "../../src/graphql/schema.js";

/** A subgraph with the words that any product has. */
const NEIGHBOUR = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable"])
  scalar JSON
  scalar Digest
  scalar DateTime
  interface Node { id: ID! }
  interface Auditable { id: ID! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type Event implements Node & Auditable @key(fields: "id") { id: ID! name: String! data: JSON starts: DateTime page: PageInfo }
  type Entry { text: String! digest: Digest }
  type Root { children: [Entry!]! }
  enum Verdict { GUILTY NOT_GUILTY }
  enum OrderDirection { UP DOWN }
  input EventInput { name: String! order: OrderDirection! }
  union Download = Entry | Root
  type Query { events: [Event!]! tree: Root verdict: Verdict download: Download }
  type Mutation { plan(event: EventInput!): Event }`;

function composed(ours: string) {
  const { errors = [], hints = [] } = composeServices([
    { name: "audit", typeDefs: parse(ours) },
    { name: "neighbour", typeDefs: parse(NEIGHBOUR) },
  ]);
  return { errors: errors.map(({ message }) => message), hints: hints.map(({ message }) => message) };
}

describe("the names of the schema", () => {
  test("begin with Audit where another subgraph may mean something else by them", async () => {
    const types = Object.values((await auditSchema()).getTypeMap());
    const own = types.filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type));
    const others = own.map(({ name }) => name).filter((name) => !/^(_|Audit)/.test(name));
    expect(others.sort()).toEqual(["DateTime", "Mutation", "Node", "PageInfo", "Query", "Subscription"]);
  });

  test("compose with a subgraph that has an Event, an Entry and JSON of its own", async () => {
    expect(composed(await auditSchemaText())).toEqual({ errors: [], hints: [] });
  });
});
