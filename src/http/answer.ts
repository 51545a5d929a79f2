import type { ServerResponse, IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { FastifyReply, FastifyInstance } from "fastify";
import Negotiator from "negotiator";
import { ERRORS, type DoorErrorCode } from "../graphql/error-table.js";

/**
 * What HTTP itself finds wrong with a request; the message is written for the client. Every other failure is an
 * AuditError.
 */
export class HttpError extends Error {
  override readonly name = "HttpError";

  constructor(
    readonly code: DoorErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** On every response: browsers must not guess its type, and must not keep a copy, which may hold secrets. */
export const SAFE = { "x-content-type-options": "nosniff", "cache-control": "no-store" };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const type = { "content-type": "application/json; charset=utf-8" };
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(value) };
}

/**
 * Sends a response. The part that its client has not read is kept in memory as long as the client reads something every
 * `slowMs`.
 */
export function send(reply: FastifyReply, { status, headers, body }: Answer, slowMs: number): FastifyReply {
  reply.code(status).headers(SAFE).headers(headers).send(body);
  giveUpUnread(reply, slowMs);
  return reply;
}

/** Disconnects a client that reads nothing of its response for this long. */
export function giveUpUnread({ raw }: FastifyReply, slowMs: number): void {
  if (!raw.writableFinished) raw.setTimeout(slowMs, () => raw.destroy());
}

/** Starts a response that is written piece by piece, outside the framework. */
export function begin(reply: FastifyReply, headers: Readonly<Record<string, string>>): ServerResponse {
  for (const [name, value] of Object.entries(reply.headers(headers).getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.hijack();
  return reply.raw.writeHead(200);
}

/** The media types of responses to GraphQL requests, as GraphQL over HTTP names them (section 4). */
const JSON_TYPES = ["application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8"];

const HTML = "text/html";

/**
 * Throws HttpError 406 if the client would not accept the response. Call it before doing anything: a mutation whose
 * response cannot be sent would be executed without its sender knowing (RFC 9110 section 12.5.1).
 */
export function requireJson(headers: IncomingHttpHeaders): void {
  const { accept } = headers;
  if (accept === undefined || new Negotiator({ headers: { accept } }).mediaType(JSON_TYPES) !== undefined) return;
  const offered = "application/json or application/graphql-response+json";
  throw new HttpError(
    "NOT_ACCEPTABLE",
    `the answer would be ${offered}, which the header Accept does not allow; nothing was done`,
  );
}

/** Whether the client prefers a page, like a browser that opens an address. */
export function prefersHtml({ accept = "" }: IncomingHttpHeaders): boolean {
  return accept !== "" && new Negotiator({ headers: { accept } }).mediaType([...JSON_TYPES, HTML]) === HTML;
}

/**
 * Whether a response may be gzipped: Accept-Encoding lists it, with a weight other than 0 (RFC 9110 section 12.5.3). By
 * the RFC, a request without the header accepts every encoding, but it comes from a program that saves the bytes as
 * they are.
 */
export function allowsGzip(headers: IncomingHttpHeaders): boolean {
  const accepted = [headers["accept-encoding"] ?? []].flat().join(",");
  return new Negotiator({ headers: { "accept-encoding": accepted } }).encodings(["gzip"]).length > 0;
}

/** Header names, in lower case. */
type Head = Pick<IncomingMessage, "method" | "headers">;
type Strategy = Parameters<FastifyInstance["addConstraintStrategy"]>[0];

/** Whether the client asks for a WebSocket (RFC 6455 section 4.1). */
export function isWebSocket({ method, headers }: Head): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket";
}

/** Whether the client accepts only a stream; one that also accepts JSON does not need a stream. */
function wantsEvents({ headers: { accept = "" } }: Head): boolean {
  return accept.includes("text/event-stream") && !accept.includes("json");
}

/** Whether the response continues for as long as the client reads it. */
export function isStream(head: Head): boolean {
  return isWebSocket(head) || wantsEvents(head);
}

/** Constraints of routes, with the value true: three doors share the path /graphql. */
export const TRANSPORTS: readonly Strategy[] = [
  transport("events", wantsEvents, { isOptional: true }),
  // A route without this constraint opens no WebSocket.
  transport("webSocket", isWebSocket, { isOptional: false }),
];

function transport(
  name: string,
  isAsked: (head: Head) => boolean,
  { isOptional }: { readonly isOptional: boolean },
): Strategy {
  return {
    name,
    mustMatchWhenDerived: !isOptional,
    storage: () => new Map(),
    deriveConstraint: (request) => (isAsked(request) ? true : undefined),
  };
}
