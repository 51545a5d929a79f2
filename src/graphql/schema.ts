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
import { ConsistencyProofResolver } from "./consistency-proof.js";
import { EntryConnectionResolver, EntryEdgeResolver } from "./entry-connection.js";
import { EntryVerificationResolver } from "./entry-verification.js";
import { EntryResolver } from "./entry.js";
import { MembershipProofResolver } from "./membership-proof.js";
import { RootVerificationResolver } from "./root-verification.js";
import { RootResolver } from "./root.js";
import { byGlobalId } from "./reference.js";
import { buildSubgraph, type Subgraph } from "./subgraph.js";

export interface SchemaOptions {
  /** Includes `Auditable`, which composes only where another subgraph defines that interface. Default true. */
  readonly auditable?: boolean;
}

/** A new instance of the executable schema: a federation subgraph. */
export async function auditSchema(options: SchemaOptions = {}): Promise<GraphQLSchema> {
  return (await auditSubgraph(options)).schema;
}

/** The schema as text, to be composed into a supergraph; with Auditable, as it is published in schema.graphql. */
export async function auditSchemaText(options: SchemaOptions = {}): Promise<string> {
  return (await auditSubgraph(options)).text;
}

/**
 * The schema as text for clients, without what federation adds: for compilers such as Relay's, which know no schema
 * extension.
 */
export async function apiSchemaText(): Promise<string> {
  return `${printSchema((await auditSubgraph({ auditable: false })).api)}\n`;
}

function auditSubgraph({ auditable = true }: SchemaOptions): Promise<Subgraph> {
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
      EntryConnectionResolver,
      EntryEdgeResolver,
      LogPayloadResolver,
      EntryVerificationResolver,
      MembershipProofResolver,
      ConsistencyProofResolver,
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
    directives: ["@key", "@shareable", ...(auditable ? ["@interfaceObject"] : [])],
    references: {
      AuditEntry: byGlobalId,
      AuditRoot: byGlobalId,
      ...(auditable ? { Auditable: auditableByReference } : {}),
    },
  });
}

let unwrapped: Promise<GraphQLSchema> | undefined;

/**
 * The instance shared by compiled operations and subscriptions. What Apollo wraps around its own instance's resolvers
 * must not reach it.
 */
export function executedSchema(): Promise<GraphQLSchema> {
  return (unwrapped ??= auditSchema());
}
