import type { IncomingMessage, ServerResponse } from "node:http";
import { HeaderMap, type ApolloServer, type HTTPGraphQLRequest, type HTTPGraphQLResponse } from "@apollo/server";
import { mayIntrospect, type IntrospectionPolicy } from "../access/introspection.js";
import type { MakeLink } from "../audit/download-link.js";
import { auditContext, type AuditContext } from "../graphql/context.js";
import type { DocumentParameters, TrustedDocuments } from "../graphql/trusted-documents.js";
import { registeredTracer } from "../operations/tracing.js";
import { requireJson } from "./accept.js";
import type { Admit, Caller } from "./admission.js";
import { HttpError, send } from "./answer.js";
import { parseJson, parseParameters, readBody } from "./body.js";
import { interruptible } from "./interruptible-service.js";
import { lifetime } from "./lifetime.js";
import { OperationRecord, type Records } from "./operation-record.js";
import { inOperationSpan } from "./operation-span.js";
import type { Refusals } from "./refusals.js";
import { requestId } from "./request-id.js";

export interface GraphqlEndpointOptions extends Records {
  readonly apollo: ApolloServer<AuditContext>;
  readonly admit: Admit;
  readonly downloadLinks: (caller: Caller) => MakeLink;
  readonly maxBodyBytes: number;
  /** How long an operation may be executed. */
  readonly requestTimeoutMs: number;
  readonly introspection: IntrospectionPolicy;
  /** The only documents that are executed; undefined: any. */
  readonly trusted: TrustedDocuments | undefined;
  readonly refusals: Refusals;
}

/** GraphQL over HTTP: hands requests to Apollo as plain data and its answers back. Rejects with HttpError. */
export function graphqlEndpoint(options: GraphqlEndpointOptions) {
  const { apollo, admit, requestTimeoutMs, introspection } = options;
  const tracer = registeredTracer();
  return async (request: IncomingMessage, response: ServerResponse, search: string): Promise<void> => {
    const { principal, service } = await admit(request);
    requireJson(request.headers);
    const httpGraphQLRequest: HTTPGraphQLRequest = {
      method: request.method ?? "GET",
      headers: headerMap(request),
      ...(await parameters(request, search, options)),
    };
    const served = interruptible(service, lifetime(response, requestTimeoutMs));
    const operation = new OperationRecord(options, { credential: principal.id, requestId: requestId(response) });
    const forAsker = auditContext(served, mayIntrospect(principal, introspection));
    const downloadLink = options.downloadLinks({ principal, service: served });
    const context = () => Promise.resolve({ ...forAsker, operation, downloadLink });
    const execute = () => apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest, context });
    const { headers } = request;
    const answered = await (tracer ? inOperationSpan(tracer, { headers, operation }, execute) : execute());
    if (!operation.isAnswered) options.refusals.add({ ...refusedBy(answered), requestId: requestId(response) });
    await answer(response, answered);
  };
}

/** What Apollo refuses before it looks for an operation is a bad request, such as a form that a browser sent. */
function refusedBy({ status = 400 }: HTTPGraphQLResponse) {
  const code = status < 500 ? "BAD_REQUEST" : "INTERNAL_SERVER_ERROR";
  return { entrance: "graphql", code, status } as const;
}

type Parameters = Pick<HTTPGraphQLRequest, "search" | "body">;

async function parameters(
  request: IncomingMessage,
  search: string,
  { maxBodyBytes, trusted }: GraphqlEndpointOptions,
): Promise<Parameters> {
  const isPost = request.method === "POST";
  const body = isPost ? await jsonBody(request, maxBodyBytes) : undefined;
  if (trusted === undefined) return { search, body };
  return isPost ? { search, body: trustedBody(body, trusted) } : { search: trustedSearch(search, trusted), body };
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

/** Only JSON is parsed; what else comes is left to Apollo, which names the content type it wants. */
async function jsonBody(request: IncomingMessage, maxBodyBytes: number): Promise<unknown> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw new HttpError(415, `content-encoding ${encoding} is not supported: send the body as it is`);
  }
  const body = await readBody(request, maxBodyBytes);
  const [type = ""] = (request.headers["content-type"] ?? "").split(";", 1);
  return type.trim().toLowerCase() === "application/json" ? oneOperation(parseParameters(body)) : undefined;
}

function oneOperation(body: unknown): unknown {
  if (!Array.isArray(body)) return body;
  const instead = "send each in a request of its own, or many events with logBulk";
  throw new HttpError(400, `a batch of operations is not taken, here one of ${body.length}: ${instead}`);
}

async function answer(response: ServerResponse, { status, headers, body }: HTTPGraphQLResponse): Promise<void> {
  const head = Object.fromEntries(headers);
  if (body.kind === "complete") {
    send(response, { status: status ?? 200, headers: head, body: body.string });
    return;
  }
  response.writeHead(status ?? 200, head);
  for await (const chunk of body.asyncIterator) response.write(chunk);
  response.end();
}
