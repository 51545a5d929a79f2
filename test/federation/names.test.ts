import { composeServices } from "./composition.js";
import { describe, expect, test } from "@jest/globals";
import { buildSchema, isIntrospectionType, isSpecifiedScalarType, parse } from "graphql";
import { apiSchemaText, auditSchema, auditSchemaText } from "../../src/graphql/schema.js";

import { openTestService } from "../engine/test-log.js";
import { testGateway } from "../graphql/gateway.js";
import { TRANSPORTS } from "../http/tail-clients.js";
import { openSupergraph, stopAll } from "./supergraph.js";
import { openUsers } from "./teams.js";

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

/** Another, with the root fields that any product has, and Relay's. */
const TWIN = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
  interface Node { id: ID! }
  type Page implements Node @key(fields: "id") { id: ID! }
  type Query { search(query: String!): [Page!]! root: Page results(id: ID!): [Page!]! entry: Page node(id: ID!): Node nodes(ids: [ID!]!): [Node]! }
  type Mutation { log(text: String!): Page }`;

function composed(ours: string, other = NEIGHBOUR) {
  const { errors = [], hints = [] } = composeServices([
    { name: "audit", typeDefs: parse(ours) },
    { name: "other", typeDefs: parse(other) },
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

describe("a prefix", () => {
  const options = { prefix: "audit", auditable: false };

  test("lets the root fields compose with those of another subgraph, without node where that has it too", async () => {
    const { errors } = composed(await auditSchemaText({ auditable: false, node: false }), TWIN);
    expect(errors.join()).toContain("Query.search");
    expect(composed(await auditSchemaText({ ...options, node: false }), TWIN)).toEqual({ errors: [], hints: [] });
    expect(composed(await auditSchemaText(options), TWIN).errors.join()).toContain("Query.node");
  });

  test("is before each root field but Relay's, and where a description mentions one; the types are the same", async () => {
    const [plain, prefixed] = [await auditSchemaText({ auditable: false }), await auditSchemaText(options)];
    const lines = plain.split("\n");
    const changed = prefixed.split("\n").filter((line, at) => line !== lines[at]);
    const fields = changed.flatMap((line) => /^ {2}(\w+)[(:]/.exec(line)?.[1] ?? []);
    const names = ["Search", "Results", "Root", "Entry", "BulkRequest", "Log", "LogBulk", "LogBulkAsync"];
    expect(fields).toEqual([...names, "DownloadResults", "EntryLogged"].map((name) => `audit${name}`));
    expect(changed.join("\n")).toContain("pass it to `auditResults(id:)`");
    expect(changed.join("\n")).not.toMatch(/`(search|results|log|logBulk|logBulkAsync|bulkRequest)[`(]/);
    expect(prefixed).toContain("in the tree of `root`");
  });

  test("is in the schema for clients too", async () => {
    const schema = buildSchema(await apiSchemaText({ prefix: "audit", node: false }));
    expect(Object.keys(schema.getQueryType()?.getFields() ?? {})).toEqual(
      ["Search", "Results", "Root", "Entry", "BulkRequest"].map((name) => `audit${name}`),
    );
  });

  test("serves a router under it, and the gateway's own programs as ever", async () => {
    const gateway = await testGateway(await openTestService(), { subgraphPrefix: "audit" });
    const users = await openUsers();
    const supergraph = await openSupergraph([{ name: "audit", url: `${gateway.url}/graphql` }, users]);
    const logged = await supergraph.ask(
      'mutation { auditLog(event: { message: "m" }) { verification { membership { status } } } }',
    );
    expect(logged).toEqual({ data: { auditLog: { verification: { membership: { status: "VALID" } } } } });
    const found = { root: { treeSize: 1 }, edges: [{ membershipProof: { leafIndex: 0 } }] };
    const page = "root { treeSize } edges { membershipProof { leafIndex } }";
    for (let time = 0; time < 3; time++) {
      expect(await supergraph.ask(`{ auditSearch { ${page} } }`)).toEqual({ data: { auditSearch: found } });
    }
    expect((await supergraph.ask("{ search { totalCount } }")).errors).toHaveLength(1);
    expect(await gateway.text(`{ search { ${page} } }`)).toEqual({ data: { search: found } });
    const client = TRANSPORTS.SSE(`${gateway.url}/graphql`);
    const stream = client.iterate({ query: "subscription { auditEntryLogged(fromLeafIndex: 0) { leafIndex } }" });
    expect((await stream.next()).value).toEqual({ data: { auditEntryLogged: { leafIndex: 0 } } });
    client.dispose();
    await stopAll();
    await gateway.close();
  });
});
