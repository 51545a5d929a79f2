import { setImmediate as turn } from "node:timers/promises";
import {
  HeaderMap,
  type ApolloServerPlugin,
  type GraphQLRequestContextDidResolveOperation,
  type GraphQLRequestListener,
  type GraphQLResponse,
} from "@apollo/server";
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { AuditError } from "../audit/errors.js";
import type { CompiledExecution } from "./compiled-execution.js";
import type { AuditContext } from "./context.js";
import { CostMeasure, requireCost } from "./cost.js";
import { refusal } from "./errors.js";
import { asksForSchema, withoutSuggestion } from "./introspection.js";
import { LIMITS } from "./limits.js";
import { requireFitting, SHORT_VARIABLES_BYTES } from "./variables.js";

export interface RequestPluginOptions {
  readonly schema: GraphQLSchema;
  readonly compiled: CompiledExecution;
}

/**
 * Despite Apollo's types there is no operation when none has the requested name; Apollo refuses that request itself.
 */
type Resolved = Omit<GraphQLRequestContextDidResolveOperation<AuditContext>, "operation"> & {
  readonly operation?: OperationDefinitionNode | undefined;
};

/** Traces a request for a supergraph router that asks for it. Apollo's plugin is loaded with the first: no start waits for it. */
export const inlineTrace: ApolloServerPlugin<AuditContext> = {
  async requestDidStart(started) {
    if (started.request.http?.headers.get("apollo-federation-include-trace") !== "ftv1") return undefined;
    const { ApolloServerPluginInlineTrace } = await import("@apollo/server/plugin/inlineTrace");
    return (await ApolloServerPluginInlineTrace().requestDidStart?.(started)) ?? undefined;
  },
};

/**
 * Everything that this gateway adds to Apollo's handling of a request, in one plugin because each plugin costs every
 * request.
 */
export function requestPlugin({ schema, compiled }: RequestPluginOptions): ApolloServerPlugin<AuditContext> {
  const measure = new CostMeasure(schema);
  const listener: GraphQLRequestListener<AuditContext> = {
    async didResolveOperation({ document, operation, operationName, request, contextValue }: Resolved) {
      if (operation) contextValue.operation?.resolved({ name: operationName ?? undefined, type: operation.operation });
      requireSchemaRight(document, contextValue);
      if (operation === undefined) return;
      const { bodyBytes = 0 } = contextValue;
      const variables = request.variables ?? {};
      requireShortBody(document, operation, bodyBytes);
      requireCost(measure.cost(document, operation, variables));
      if (bodyBytes <= SHORT_VARIABLES_BYTES) return;
      requireFitting(schema, operation, variables);
      // Gives other requests a turn before executing what took long to read.
      await turn();
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

/** The maximum bytes of a request that logs nothing: many times what the longest query and restriction need. */
export const MAX_READING_BODY_BYTES = 1_024 * 1_024;

/** Before any variable is coerced, or quoted in an error. */
function requireShortBody(document: DocumentNode, operation: OperationDefinitionNode, bodyBytes: number): void {
  if (bodyBytes <= MAX_READING_BODY_BYTES || logsEvents(document, operation)) return;
  const message = `The body of an operation that logs nothing may have at most ${MAX_READING_BODY_BYTES} bytes, got ${bodyBytes}.`;
  throw new GraphQLError(message, { extensions: { code: "PAYLOAD_TOO_LARGE", http: { status: 413 } } });
}

/** The document is valid: its fragments spread each other without a cycle. */
function logsEvents(document: DocumentNode, { operation, selectionSet }: OperationDefinitionNode): boolean {
  const logs = ({ selections }: SelectionSetNode): boolean =>
    selections.some((selection) => {
      if (selection.kind === Kind.FIELD) return LOGGING_FIELDS.has(selection.name.value);
      if (selection.kind === Kind.INLINE_FRAGMENT) return logs(selection.selectionSet);
      const fragment = document.definitions.find(
        (definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value,
      );
      return fragment?.kind === Kind.FRAGMENT_DEFINITION && logs(fragment.selectionSet);
    });
  return operation === OperationTypeNode.MUTATION && logs(selectionSet);
}

/** The mutations that take events. */
const LOGGING_FIELDS: ReadonlySet<string> = new Set(["log", "logBulk", "logBulkAsync"]);

function requireSchemaRight(document: DocumentNode, { maySeeSchema }: AuditContext): void {
  if (maySeeSchema || !asksForSchema(document)) return;
  throw refusal(
    new AuditError("FORBIDDEN", "This credential may not see the schema: use the published schema.graphql."),
  );
}

/** The response to a request that is not executed. */
function nothing(): GraphQLResponse {
  return { http: { headers: new HeaderMap() }, body: { kind: "single", singleResult: { data: null } } };
}

/** `OK`, or the code of the first error. */
function outcome({ body }: GraphQLResponse): string {
  const [error] = body.kind === "single" ? (body.singleResult.errors ?? []) : [];
  return error === undefined ? "OK" : String(error.extensions?.["code"]);
}

/** Replaces a response that is too large by an error; a mutation has been executed by then. */
function boundAnswer({ body }: GraphQLResponse, operation: OperationTypeNode | undefined): void {
  if (body.kind !== "single" || isWithin(body.singleResult.data, MAX_ANSWER_CHARACTERS)) return;
  const done = operation === OperationTypeNode.MUTATION ? " The events were logged." : "";
  const message = `The response would have more than ${MAX_ANSWER_CHARACTERS} characters: ask for fewer entries, or fewer of their fields, at once.${done}`;
  body.singleResult = { data: null, errors: [{ message, extensions: { code: "PAYLOAD_TOO_LARGE" } }] };
}

function dropSuggestions({ body }: GraphQLResponse): void {
  if (body.kind !== "single" || body.singleResult.errors === undefined) return;
  const errors = body.singleResult.errors.map((error) => ({ ...error, message: withoutSuggestion(error.message) }));
  body.singleResult = { ...body.singleResult, errors };
}

/** Errors that GraphQL itself finds in a request that HTTP carried well. */
const GRAPHQL_REFUSALS: ReadonlySet<unknown> = new Set([
  "GRAPHQL_PARSE_FAILED",
  "GRAPHQL_VALIDATION_FAILED",
  "BAD_USER_INPUT",
  "OPERATION_RESOLUTION_FAILURE",
]);

/**
 * Uses 200 instead of 400 for clients that only accept `application/json`: to them the status says whether the response
 * is GraphQL's, not what is in it (GraphQL over HTTP, section 6.4.1). Other clients ask for
 * application/graphql-response+json.
 */
function statusForJsonClients(accept: string, { http, body }: GraphQLResponse): void {
  if (http.status !== 400 || body.kind !== "single" || accept.includes("application/graphql-response+json")) return;
  const { errors = [] } = body.singleResult;
  if (errors.every(({ extensions }) => GRAPHQL_REFUSALS.has(extensions?.["code"]))) http.status = 200;
}

/**
 * The maximum characters of a response, with characters that JSON escapes counted once. An operation's cost does not
 * include the length of an event's texts, and a response is serialized in one go, during which the gateway serves no
 * one else.
 */
export const MAX_ANSWER_CHARACTERS = 64 * 1024 * 1024;

/** Whether the JSON of a resolver's result has at most this many characters. Stops measuring at that point. */
export function isWithin(value: unknown, characters: number): boolean {
  return left(value, characters) >= 0;
}

/** The characters that are left; negative once the limit is exceeded. */
function left(value: unknown, characters: number): number {
  if (typeof value === "string") return characters - value.length - 3;
  if (Array.isArray(value)) return leftOfList(value, characters - 3);
  return isObject(value) ? leftOfObject(value, characters - 3) : characters - 3;
}

function leftOfList(list: readonly unknown[], characters: number): number {
  let rest = characters;
  for (const member of list) {
    rest = left(member, rest);
    if (rest < 0) break;
  }
  return rest;
}

/** Every response is measured: this takes a tenth of the time that the object's entries as pairs would. */
function leftOfObject(object: Readonly<Record<string, unknown>>, characters: number): number {
  let rest = characters;
  for (const key in object) {
    rest = left(object[key], rest - key.length - 3);
    if (rest < 0) break;
  }
  return rest;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** Why the size of a document's text is refused, before it is parsed; undefined if it is not. */
export function textFault(text: string): GraphQLError | undefined {
  if (text.length <= LIMITS.characters) return undefined;
  const message = `The document has ${text.length} characters: the limit is ${LIMITS.characters}. Send data in variables.`;
  return new GraphQLError(message, { extensions: { code: "GRAPHQL_PARSE_FAILED", http: { status: 400 } } });
}
