import type { IncomingMessage, IncomingHttpHeaders } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { HeaderMap, type HTTPGraphQLRequest, type HTTPGraphQLResponse, type ApolloServer } from "@apollo/server";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { MakeLink } from "../../audit/download-link.js";
import { mayIntrospect, type IntrospectionPolicy } from "../../audit/principal.js";
import { isPlainObject } from "../../core/json.js";
import { JsonLoss } from "../../core/lossless-json.js";
import { auditContext, type AuditContext } from "../../graphql/context.js";
import { textFault } from "../../graphql/request-plugin.js";
import type { DocumentParameters, TrustedDocuments } from "../../graphql/trusted-documents.js";
import { registeredTracer } from "../../operations/tracing.js";
import { becameKnown, isPreflighted, traceIdOf, type Admit, type Caller } from "../admission.js";
import { HttpError, send, prefersHtml, requireJson, type Answer } from "../answer.js";
import { parseJson, requireJsonBody, requirePlain, takeBodies } from "../body.js";
import { type Refusals } from "../refusal.js";
import type { Readiness } from "../server.js";
import { lifetime, interruptible, OperationRecord, inOperationSpan, type Records } from "./operation.js";

export interface ExecutionOptions extends Records {
  readonly apollo: ApolloServer<AuditContext>;
  readonly downloadLinks: (caller: Caller) => MakeLink;
  readonly introspection: IntrospectionPolicy;
  readonly refusals: Refusals;
}

/** An operation that has one result. */
export interface Execution {
  readonly caller: Caller;
  readonly httpGraphQLRequest: HTTPGraphQLRequest;
  /** From the request, or from its WebSocket's handshake: they may name a trace. */
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** The client's IP address. */
  readonly address: string;
  /** The size of the body that it was sent in. */
  readonly bodyBytes: number;
  /** Aborts, with an AuditError as its reason, when nobody waits for the result any more. */
  readonly signal: AbortSignal;
}

export type Execute = (execution: Execution) => Promise<HTTPGraphQLResponse>;

/** Parsing this much JSON takes milliseconds: other requests get a turn before it is executed. */
const LONG_BODY_BYTES = 64 * 1_024;

/** The one way to execute and record queries and mutations, whatever transport they came over. */
export function execution(options: ExecutionOptions): Execute {
  const { apollo, downloadLinks, introspection, refusals } = options;
  const tracer = registeredTracer();
  return async ({ caller: { principal, service }, httpGraphQLRequest, requestId, bodyBytes, ...asked }) => {
    const { headers, address, signal } = asked;
    if (bodyBytes > LONG_BODY_BYTES) await turn();
    const served = interruptible(service, signal);
    const operation = new OperationRecord(options, {
      credential: principal.id,
      requestId,
      traceId: traceIdOf(headers),
    });
    const forAsker = auditContext(served, mayIntrospect(principal, introspection));
    const downloadLink = downloadLinks({ principal, service: served });
    const context = () => Promise.resolve({ ...forAsker, operation, downloadLink, bodyBytes });
    const execute = () => apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest, context });
    const answered = await (tracer ? inOperationSpan(tracer, { headers, operation }, execute) : execute());
    const sender = { requestId, address, headers, credential: principal.id };
    if (!operation.isAnswered) refusals.add({ ...refusedBy(answered), sender });
    return answered;
  };
}

/** A request that Apollo refuses before it looks for an operation is invalid, such as a form sent by a browser. */
function refusedBy({ status = 400 }: HTTPGraphQLResponse) {
  const code = status < 500 ? "BAD_REQUEST" : "INTERNAL_SERVER_ERROR";
  return { entrance: "graphql", refusal: { code }, status } as const;
}

export interface GraphqlDoorOptions {
  readonly execute: Execute;
  readonly admit: Admit;
  /** How long an operation may be executed. */
  readonly requestTimeoutMs: number;
  /** The only documents that are executed; undefined: any. */
  readonly trusted: TrustedDocuments | undefined;
  readonly readiness: Readiness;
  /** How long a client may leave sent data unread. */
  readonly slowMs: number;
}

/** Where the caller of a request is kept from its head to its body. */
const CALLER = "caller";
const TO_GRAPHIQL: Answer = { status: 303, headers: { location: "/graphiql/" }, body: "" };

/** GraphQL over HTTP: hands requests to Apollo as plain data and its responses back. */
export function graphqlDoor(app: FastifyInstance, options: GraphqlDoorOptions): void {
  const { admit, readiness, slowMs } = options;
  const serve = served(options);
  takeBodies(app, (request) => request.getDecorator<Caller>(CALLER).principal.id);
  app.decorateRequest(CALLER, null);
  app.addHook("onRequest", async (request, reply) => {
    readiness.requireOpen();
    if (isVisit(request)) return send(reply, TO_GRAPHIQL, slowMs);
    const caller = await admit(request.headers);
    becameKnown(request, caller.principal.id);
    request.setDecorator(CALLER, caller);
    requireJson(request.headers);
    requirePlain(request.headers);
    if (request.method === "POST") requireJsonBody(request);
    return undefined;
  });
  app.route({
    method: ["GET", "POST"],
    url: "/graphql",
    handler: (request, reply) => serve(request, reply, request.getDecorator<Caller>(CALLER)),
  });
}

/** Somebody opened the API's address in a browser. */
function isVisit({ method, url, headers }: FastifyRequest): boolean {
  return method === "GET" && url === "/graphql" && prefersHtml(headers);
}

function served({ execute, requestTimeoutMs, trusted, slowMs }: GraphqlDoorOptions) {
  return async (request: FastifyRequest, reply: FastifyReply, caller: Caller): Promise<FastifyReply> => {
    const answered = await execute({
      caller,
      httpGraphQLRequest: {
        method: request.method,
        headers: headerMap(request.raw),
        ...parameters(request, trusted),
      },
      ...{ headers: request.headers, requestId: request.id, address: request.ip },
      bodyBytes: Buffer.isBuffer(request.body) ? request.body.length : 0,
      signal: lifetime(reply.raw, requestTimeoutMs),
    });
    return send(reply, await answerOf(answered), slowMs);
  };
}

type Parameters = Pick<HTTPGraphQLRequest, "search" | "body">;

function parameters(request: FastifyRequest, trusted: TrustedDocuments | undefined): Parameters {
  const isPost = request.method === "POST";
  const search = searchOf(request);
  const body = isPost ? shortDocument(oneOperation(parseParameters(request.body))) : undefined;
  if (trusted === undefined) return { search, body };
  return isPost ? { search, body: trustedBody(body, trusted) } : { search: trustedSearch(search, trusted), body };
}

function searchOf({ url }: FastifyRequest): string {
  const mark = url.indexOf("?");
  return mark < 0 ? "" : url.slice(mark);
}

/** The members that name the document are replaced by its text, which is all that Apollo then sees. */
export function trustedBody(body: unknown, trusted: TrustedDocuments): unknown {
  if (typeof body !== "object" || body === null) return body;
  const given: DocumentParameters = { ...body };
  return { ...given, query: trusted.text(given), extensions: {} };
}

function trustedSearch(search: string, trusted: TrustedDocuments): string {
  const given = new URLSearchParams(search);
  const extensions = given.get("extensions");
  const named = {
    ...Object.fromEntries(given),
    ...(extensions !== null && { extensions: parseJson(Buffer.from(extensions)) }),
  };
  given.set("query", trusted.text(named));
  for (const name of ["documentId", "extensions"]) given.delete(name);
  return `?${given.toString()}`;
}

function headerMap(request: IncomingMessage): HeaderMap {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  // Apollo's CSRF prevention looks only at header names.
  if (isPreflighted(request.headers)) headers.set("apollo-require-preflight", "1");
  return headers;
}

/** Before its text is hashed, looked up or parsed. */
function shortDocument(body: unknown): unknown {
  const fault = isPlainObject(body) && typeof body["query"] === "string" ? textFault(body["query"]) : undefined;
  if (fault !== undefined) throw new HttpError("GRAPHQL_PARSE_FAILED", fault.message);
  return body;
}

function oneOperation(body: unknown): unknown {
  if (!Array.isArray(body)) return body;
  const instead = "send each in a request of its own, or many events with logBulk";
  throw new HttpError("BAD_REQUEST", `a batch of operations is not taken, here one of ${body.length}: ${instead}`);
}

async function answerOf({ status = 200, headers, body }: HTTPGraphQLResponse): Promise<Answer> {
  return {
    status,
    headers: Object.fromEntries(headers),
    body: body.kind === "complete" ? body.string : await all(body),
  };
}

async function all({ asyncIterator }: { readonly asyncIterator: AsyncIterable<string> }): Promise<string> {
  let text = "";
  for await (const chunk of asyncIterator) text += chunk;
  return text;
}

/**
 * The parameters of a GraphQL request. Throws HttpError 400 like parseJson, and if a parameter or a variable is given
 * twice; a loss inside a variable is refused by its type, which can say more.
 */
export function parseParameters(body: unknown): unknown {
  return unrepeated(parseJson(Buffer.isBuffer(body) ? body : Buffer.alloc(0)));
}

/** Parsed parameters as they are. Throws HttpError 400 where a parameter or a variable is given twice. */
export function unrepeated(parameters: unknown): unknown {
  const variables = isPlainObject(parameters) ? parameters["variables"] : undefined;
  const repeated = [...repeatedIn(parameters, ""), ...repeatedIn(variables, "variables.")];
  if (repeated.length > 0) throw new HttpError("BAD_REQUEST", repeated.join("; "));
  return parameters;
}

/** Without a list of the members: a request may have very many variables that no operation uses. */
function repeatedIn(object: unknown, path: string): readonly string[] {
  if (!isPlainObject(object)) return [];
  const repeated: string[] = [];
  for (const name in object) {
    const value = object[name];
    if (value instanceof JsonLoss && value.kind === "repeated key")
      repeated.push(`${path}${name.slice(0, 64)}: expected ${value.expected}, got ${value.got}`);
    if (repeated.length === MAX_REPEATED) break;
  }
  return repeated;
}

/** So many show the kind of mistake. */
const MAX_REPEATED = 10;
