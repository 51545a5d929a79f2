import type { IncomingMessage } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { HeaderMap, type ApolloServer, type HTTPGraphQLRequest, type HTTPGraphQLResponse } from "@apollo/server";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { mayIntrospect, type IntrospectionPolicy } from "../../access/introspection.js";
import type { MakeLink } from "../../audit/download-link.js";
import { isPlainObject } from "../../core/problem.js";
import { auditContext, type AuditContext } from "../../graphql/context.js";
import { textFault } from "../../graphql/limits.js";
import type { DocumentParameters, TrustedDocuments } from "../../graphql/trusted-documents.js";
import { registeredTracer } from "../../operations/tracing.js";
import type { Admit, Caller } from "../admission.js";
import { send, type Answer } from "../answer.js";
import { isJson, parseJson, parseParameters, takeBodies } from "../body.js";
import { interruptible } from "../interruptible-service.js";
import type { Readiness } from "../operations/readiness.js";
import { HttpError, type Refusals } from "../refusal.js";
import { requireJson } from "../accept.js";
import { lifetime } from "./lifetime.js";
import { OperationRecord, type Records } from "./operation-record.js";
import { inOperationSpan } from "./operation-span.js";

export interface GraphqlDoorOptions extends Records {
  readonly apollo: ApolloServer<AuditContext>;
  readonly admit: Admit;
  readonly downloadLinks: (caller: Caller) => MakeLink;
  /** How long an operation may be executed. */
  readonly requestTimeoutMs: number;
  readonly introspection: IntrospectionPolicy;
  /** The only documents that are executed; undefined: any. */
  readonly trusted: TrustedDocuments | undefined;
  readonly readiness: Readiness;
  readonly refusals: Refusals;
  /** How long a client may leave what was sent to it unread. */
  readonly slowMs: number;
}

/** To parse so much JSON takes milliseconds: others have their turn before it is executed. */
const LONG_BODY_BYTES = 64 * 1_024;

/** Where the caller of a request is kept from its head to its body. */
const CALLER = "caller";

/** GraphQL over HTTP: hands requests to Apollo as plain data and its answers back. */
export function graphqlDoor(app: FastifyInstance, options: GraphqlDoorOptions): void {
  const { admit, readiness } = options;
  const serve = served(options);
  takeBodies(app, (request) => request.getDecorator<Caller>(CALLER).principal.id);
  app.decorateRequest(CALLER, null);
  app.addHook("onRequest", async (request) => {
    readiness.requireOpen();
    request.setDecorator(CALLER, await admit(request.headers));
    requireJson(request.headers);
    requirePlain(request.headers);
    if (request.method === "POST") requireJsonBody(request);
  });
  app.route({
    method: ["GET", "POST"],
    url: "/graphql",
    handler: (request, reply) => serve(request, reply, request.getDecorator<Caller>(CALLER)),
  });
}

function served(options: GraphqlDoorOptions) {
  const { apollo, requestTimeoutMs, introspection, trusted, refusals, slowMs } = options;
  const tracer = registeredTracer();
  return async (
    request: FastifyRequest,
    reply: FastifyReply,
    { principal, service }: Caller,
  ): Promise<FastifyReply> => {
    const bodyBytes = Buffer.isBuffer(request.body) ? request.body.length : 0;
    const httpGraphQLRequest: HTTPGraphQLRequest = {
      method: request.method,
      headers: headerMap(request.raw),
      ...parameters(request, trusted),
    };
    const served = interruptible(service, lifetime(reply.raw, requestTimeoutMs));
    const operation = new OperationRecord(options, { credential: principal.id, requestId: request.id });
    const forAsker = auditContext(served, mayIntrospect(principal, introspection));
    const downloadLink = options.downloadLinks({ principal, service: served });
    if (bodyBytes > LONG_BODY_BYTES) await turn();
    const context = () => Promise.resolve({ ...forAsker, operation, downloadLink, bodyBytes });
    const execute = () => apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest, context });
    const { headers } = request;
    const answered = await (tracer ? inOperationSpan(tracer, { headers, operation }, execute) : execute());
    if (!operation.isAnswered) refusals.add({ ...refusedBy(answered), requestId: request.id });
    return send(reply, await answerOf(answered), slowMs);
  };
}

/** What Apollo refuses before it looks for an operation is a bad request, such as a form that a browser sent. */
function refusedBy({ status = 400 }: HTTPGraphQLResponse) {
  const code = status < 500 ? "BAD_REQUEST" : "INTERNAL_SERVER_ERROR";
  return { entrance: "graphql", code, status } as const;
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

/** What names the document gives way to its text, which is all that Apollo then sees. */
function trustedBody(body: unknown, trusted: TrustedDocuments): unknown {
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
  return headers;
}

function requirePlain({ "content-encoding": encoding = "identity" }: IncomingMessage["headers"]): void {
  if (encoding === "identity") return;
  const instead = "send the body as it is";
  throw new HttpError("UNSUPPORTED_MEDIA_TYPE", `content-encoding ${encoding} is not supported: ${instead}`);
}

function requireJsonBody(request: FastifyRequest): void {
  if (isJson(request)) return;
  throw new HttpError("UNSUPPORTED_MEDIA_TYPE", "send the operation as application/json in UTF-8");
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
