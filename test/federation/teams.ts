import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";
import { openSubgraph, type Subgraph } from "./supergraph.js";

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable"])`;

const USERS = [
  { __typename: "User", id: "42", name: "Ada" },
  { __typename: "User", id: "43", name: "Grace" },
];

/** The users team: an entity with a trail, and the interface by which it gets one. */
export function openUsers(): Promise<Subgraph> {
  const typeDefs = parse(`${LINK}
    interface Auditable { id: ID! }
    type User implements Auditable @key(fields: "id") { id: ID! name: String! }
    type Query { user(id: ID!): User users: [User!]! everything: [Auditable!]! }
  `);
  const byId = ({ id }: { readonly id: string }) => USERS.find((user) => user.id === id);
  const resolvers = {
    Query: {
      user: (_: unknown, args: { readonly id: string }) => byId(args),
      users: () => USERS,
      everything: () => USERS,
    },
    User: { __resolveReference: byId },
  };
  return openSubgraph("users", buildSubgraphSchema({ typeDefs, resolvers }));
}

/** The documents team: it keeps the id of the entry that its last change was logged as. */
export function openDocuments(lastChange: () => string): Promise<Subgraph> {
  const typeDefs = parse(`${LINK}
    interface Auditable { id: ID! }
    type Document implements Auditable @key(fields: "id") { id: ID! title: String! author: User! lastChange: AuditEntry }
    type User @key(fields: "id", resolvable: false) { id: ID! }
    type AuditEntry @key(fields: "id", resolvable: false) { id: ID! }
    type Query { documents: [Document!]! }
  `);
  const documents = [
    { id: "doc-1", title: "Plan", author: { id: "42" }, lastChange: () => ({ id: lastChange() }) },
    { id: "42", title: "Answers", author: { id: "43" }, lastChange: null },
  ];
  return openSubgraph(
    "documents",
    buildSubgraphSchema({ typeDefs, resolvers: { Query: { documents: () => documents } } }),
  );
}
