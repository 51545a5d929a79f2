import "reflect-metadata";
import { printSchema, type GraphQLSchema } from "graphql";
import type { AuditContext } from "./context.js";
// The schema's root fields are printed in the order of these imports.
import { SearchResolver } from "./search.js";
import { ResultsResolver } from "./results.js";
import { RootQueryResolver } from "./root-query.js";
import { EntryQueryResolver } from "./entry-query.js";
import { NodeResolver } from "./node.js";
import { LogPayloadResolver, LogResolver } from "./log.js";
import { BulkRequestResolver } from "./bulk-request.js";
import { DownloadResolver } from "./download.js";
import { EntryLoggedResolver } from "./entry-logged.js";
import { auditableByReference, AuditableResolver, AuditableType } from "./auditable.js";
import { CompletenessProofResolver } from "./completeness-proof.js";
import { ConsistencyProofResolver } from "./consistency-proof.js";
import { EntryConnectionResolver, EntryEdgeResolver } from "./entry-connection.js";
import { EventResolver } from "./event.js";
import { EntryResolver, EntryVerificationResolver, MembershipProofResolver } from "./entry.js";
import { RootVerificationResolver } from "./root-verification.js";
import { IndexRootResolver } from "./index-root.js";
import { RootResolver } from "./root.js";
import { byGlobalId } from "./reference.js";
import { withoutNode, withPrefix } from "./root-names.js";
import { buildSubgraph, type Subgraph } from "./subgraph.js";

export interface SchemaOptions {
  /** Includes `Auditable`, which composes only where another subgraph defines that interface. Default true. */
  readonly auditable?: boolean;
  /** Begins the names of root fields: with `audit`, `log` is `auditLog`. Not those that Relay and federation need. */
  readonly prefix?: string | undefined;
}

export interface SchemaTextOptions extends SchemaOptions {
  /** Includes `node` and `nodes`, which only one subgraph of a supergraph can have. Default true. */
  readonly node?: boolean;
}

/**
 * A new instance of the executable schema: a federation subgraph. With a prefix it has root fields under both names, for
 * the gateway's own pages and programs; a router is told of the prefixed ones.
 */
export async function auditSchema(options: SchemaOptions = {}): Promise<GraphQLSchema> {
  return (await auditSubgraph(options)).schema;
}

/** The schema as text, to be composed into a supergraph; with Auditable, as it is published in schema.graphql. */
export async function auditSchemaText({ node, ...options }: SchemaTextOptions = {}): Promise<string> {
  const text = (await auditSubgraph(options)).text();
  return node === false ? withoutNode(text) : text;
}

/**
 * The schema as text for clients, without what federation adds: for compilers such as Relay's, which know no schema
 * extension.
 */
export async function apiSchemaText({ node, prefix }: SchemaTextOptions = {}): Promise<string> {
  const text = `${printSchema((await auditSubgraph({ auditable: false })).api)}\n`;
  const prefixed = prefix === undefined ? text : withPrefix(text, prefix);
  return node === false ? withoutNode(prefixed) : prefixed;
}

function auditSubgraph({ auditable = true, prefix }: SchemaOptions): Promise<Subgraph> {
  return buildSubgraph<AuditContext>({
    resolvers: [
      SearchResolver,
      ResultsResolver,
      RootQueryResolver,
      EntryQueryResolver,
      NodeResolver,
      LogResolver,
      BulkRequestResolver,
      DownloadResolver,
      EntryLoggedResolver,
      EntryResolver,
      EventResolver,
      EntryConnectionResolver,
      EntryEdgeResolver,
      LogPayloadResolver,
      EntryVerificationResolver,
      MembershipProofResolver,
      ConsistencyProofResolver,
      CompletenessProofResolver,
      IndexRootResolver,
      RootResolver,
      RootVerificationResolver,
      ...(auditable ? [AuditableResolver] : []),
    ],
    orphanedTypes: auditable ? [AuditableType] : [],
    descriptions: {
      Query: "Reading the log. Every result can include its own proof.",
      Mutation: "Writing to the log. Entries cannot be changed or removed.",
      Subscription: "Following the log, over server-sent events or a WebSocket.",
    },
    prefix,
    directives: ["@key", "@shareable", "@tag", "@cost", "@listSize", ...(auditable ? ["@interfaceObject"] : [])],
    references: {
      AuditEntry: byGlobalId,
      AuditRoot: byGlobalId,
      ...(auditable ? { Auditable: auditableByReference } : {}),
    },
  });
}

/** By prefix. */
const unwrapped = new Map<string | undefined, Promise<GraphQLSchema>>();

/**
 * The instance shared by compiled operations and subscriptions. What Apollo wraps around its own instance's resolvers
 * must not reach it.
 */
export function executedSchema(prefix?: string): Promise<GraphQLSchema> {
  const schema = unwrapped.get(prefix) ?? auditSchema({ prefix });
  unwrapped.set(prefix, schema);
  return schema;
}
