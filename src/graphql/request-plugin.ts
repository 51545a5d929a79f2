import {
  HeaderMap,
  type ApolloServerPlugin,
  type GraphQLRequestContextDidResolveOperation,
  type GraphQLRequestListener,
  type GraphQLResponse,
} from "@apollo/server";
import { OperationTypeNode, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode } from "graphql";
import { AuditError } from "../audit/errors.js";
import { isWithin, MAX_ANSWER_CHARACTERS } from "./answer-size.js";
import type { CompiledExecution } from "./compiled-execution.js";
import type { AuditContext } from "./context.js";
import { CostMeasure, requireCost } from "./cost.js";
import { refusal } from "./errors.js";
import { asksForSchema, withoutSuggestion } from "./introspection.js";
import { statusForJsonClients } from "./json-status.js";

export interface RequestPluginOptions {
  readonly schema: GraphQLSchema;
  readonly compiled: CompiledExecution;
}

/** There is no operation when none has the name asked for, whatever Apollo's types say: then it refuses the request itself. */
type Resolved = Omit<GraphQLRequestContextDidResolveOperation<AuditContext>, "operation"> & {
  readonly operation?: OperationDefinitionNode | undefined;
};

/** All that this gateway adds to Apollo's handling of a request, in one plugin: each more would cost every request. */
export function requestPlugin({ schema, compiled }: RequestPluginOptions): ApolloServerPlugin<AuditContext> {
  const measure = new CostMeasure(schema);
  const listener: GraphQLRequestListener<AuditContext> = {
    didResolveOperation({ document, operation, operationName, request, contextValue }: Resolved) {
      if (operation) contextValue.operation?.resolved({ name: operationName ?? undefined, type: operation.operation });
      requireSchemaRight(document, contextValue);
      if (operation !== undefined) requireCost(measure.cost(document, operation, request.variables ?? {}));
      return Promise.resolve();
    },
    responseForOperation: (request) => {
      if (request.contextValue.executes) return compiled.respond(request);
      compiled.prepare(request);
      return Promise.resolve(nothing());
    },
    willSendResponse({ request, response, contextValue, queryHash, operation }) {
      boundAnswer(response, operation?.operation);
      contextValue.operation?.answered(outcome(response), queryHash);
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

/** The answer to a request that is not executed. */
function nothing(): GraphQLResponse {
  return { http: { headers: new HeaderMap() }, body: { kind: "single", singleResult: { data: null } } };
}

/** `OK`, or the code of the first error. */
function outcome({ body }: GraphQLResponse): string {
  const [error] = body.kind === "single" ? (body.singleResult.errors ?? []) : [];
  return error === undefined ? "OK" : String(error.extensions?.["code"]);
}

/** An answer that is too large gives way to an error; whatever a mutation did is done. */
function boundAnswer({ body }: GraphQLResponse, operation: OperationTypeNode | undefined): void {
  if (body.kind !== "single" || isWithin(body.singleResult.data, MAX_ANSWER_CHARACTERS)) return;
  const done = operation === OperationTypeNode.MUTATION ? "; what was to be logged is logged" : "";
  const message = `the answer would have more than ${MAX_ANSWER_CHARACTERS} characters: ask for fewer entries, or fewer of their fields, at once${done}`;
  body.singleResult = { data: null, errors: [{ message, extensions: { code: "PAYLOAD_TOO_LARGE" } }] };
}

function dropSuggestions({ body }: GraphQLResponse): void {
  if (body.kind !== "single" || body.singleResult.errors === undefined) return;
  const errors = body.singleResult.errors.map((error) => ({ ...error, message: withoutSuggestion(error.message) }));
  body.singleResult = { ...body.singleResult, errors };
}
