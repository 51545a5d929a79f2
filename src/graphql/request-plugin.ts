import type { ApolloServerPlugin, GraphQLRequestListener, GraphQLResponse } from "@apollo/server";
import type { DocumentNode } from "graphql";
import { AuditError } from "../audit/errors.js";
import type { CompiledExecution } from "./compiled-execution.js";
import type { AuditContext } from "./context.js";
import { refusal } from "./errors.js";
import { asksForSchema, withoutSuggestion } from "./introspection.js";
import { statusForJsonClients } from "./json-status.js";

export interface RequestPluginOptions {
  readonly compiled: CompiledExecution;
}

/** All that this gateway adds to Apollo's handling of a request, in one plugin: each more would cost every request. */
export function requestPlugin({ compiled }: RequestPluginOptions): ApolloServerPlugin<AuditContext> {
  const listener: GraphQLRequestListener<AuditContext> = {
    didResolveOperation({ document, contextValue }) {
      requireSchemaRight(document, contextValue);
      return Promise.resolve();
    },
    responseForOperation: (request) => compiled.respond(request),
    willSendResponse({ request, response, contextValue }) {
      statusForJsonClients(request.http?.headers.get("accept") ?? "", response);
      if (!contextValue.maySeeSchema) dropSuggestions(response);
      return Promise.resolve();
    },
  };
  return { requestDidStart: () => Promise.resolve(listener) };
}

function requireSchemaRight(document: DocumentNode, { maySeeSchema }: AuditContext): void {
  if (maySeeSchema || !asksForSchema(document)) return;
  throw refusal(new AuditError("FORBIDDEN", "the schema is not told to you: ask for it where it is published"));
}

function dropSuggestions({ body }: GraphQLResponse): void {
  if (body.kind !== "single" || body.singleResult.errors === undefined) return;
  const errors = body.singleResult.errors.map((error) => ({ ...error, message: withoutSuggestion(error.message) }));
  body.singleResult = { ...body.singleResult, errors };
}
