import { describe, expect, test } from "@jest/globals";
import { parse, type DocumentNode } from "graphql";
import { auditSchemaText } from "../../src/graphql/schema.js";
import { published } from "../published.js";
import { composeServices, type Service } from "./composition.js";

/** What a library says is wrong; no word, if it made a supergraph. */
type Composer = (services: readonly Service[]) => string;

interface Theguild {
  readonly composeServices: (services: readonly Service[]) => {
    readonly supergraphSdl?: string;
    readonly errors?: readonly Error[];
  };
}

interface Wundergraph {
  readonly federateSubgraphs: (options: object) => { readonly success: boolean; readonly errors?: readonly Error[] };
  readonly ROUTER_COMPATIBILITY_VERSION_ONE: string;
}

function theguild(services: readonly Service[]): string {
  const { composeServices: compose } = published("@theguild/federation-composition") as Theguild;
  const { supergraphSdl, errors = [] } = compose(services);
  return told(supergraphSdl !== undefined, errors);
}

function wundergraph(services: readonly Service[]): string {
  const { federateSubgraphs, ROUTER_COMPATIBILITY_VERSION_ONE } = published("@wundergraph/composition") as Wundergraph;
  const subgraphs = services.map(({ typeDefs, ...service }) => ({ ...service, definitions: typeDefs }));
  const { success, errors = [] } = federateSubgraphs({ subgraphs, version: ROUTER_COMPATIBILITY_VERSION_ONE });
  return told(success, errors);
}

function apollo(services: readonly Service[]): string {
  const { supergraphSdl, errors = [] } = composeServices(services);
  return told(supergraphSdl !== undefined, errors);
}

function told(isComposed: boolean, errors: readonly Error[]): string {
  return isComposed ? "" : errors.map(({ message }) => message).join("\n");
}

const COMPOSERS: readonly (readonly [name: string, compose: Composer])[] = [
  ["@apollo/composition", apollo],
  ["@theguild/federation-composition", theguild],
  ["@wundergraph/composition", wundergraph],
];

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])`;
const USERS = parse(`${LINK}
  interface Auditable { id: ID! }
  type User implements Auditable @key(fields: "id") { id: ID! lastChange: AuditEntry }
  type AuditEntry @key(fields: "id", resolvable: false) { id: ID! }
  type Query { users: [User!]! }`);
/** It has root fields of our names, and Relay's. */
const PAGES = parse(`${LINK}
  interface Auditable { id: ID! }
  interface Node { id: ID! }
  type Page implements Node & Auditable @key(fields: "id") { id: ID! }
  type Query { search(query: String!): [Page!]! node(id: ID!): Node nodes(ids: [ID!]!): [Node]! }
  type Mutation { log(text: String!): Page }`);

describe.each(COMPOSERS)("%s", (_name, compose) => {
  const beside = async (other: DocumentNode | undefined, options: Parameters<typeof auditSchemaText>[0] = {}) => {
    const others = other === undefined ? [] : [{ name: "other", url: "http://other.example/", typeDefs: other }];
    const typeDefs = parse(await auditSchemaText(options));
    return compose([{ name: "audit", url: "http://audit.example/graphql", typeDefs }, ...others]);
  };

  test("composes our schema beside a subgraph whose entities have trails", async () => {
    expect(await beside(USERS)).toBe("");
  });

  test("composes it with --prefix, and where the other has our fields and Relay's, with --no-node too", async () => {
    expect(await beside(USERS, { prefix: "audit" })).toBe("");
    expect(await beside(PAGES, { prefix: "audit", node: false })).toBe("");
    expect(await beside(PAGES)).not.toBe("");
  });

  test("composes it alone without trails", async () => {
    expect(await beside(undefined, { auditable: false })).toBe("");
  });
});
