import type { ServerResponse, IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { FastifyReply, FastifyInstance } from "fastify";
import Negotiator from "negotiator";
import { ERRORS, type DoorErrorCode } from "../graphql/error-table.js";

/** What HTTP itself finds wrong with a request; the message is written for the client. All else is an AuditError. */
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

/** On every answer: a browser takes it for what it says it is, and keeps no copy of what may be secret. */
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

/** Sends an answer; what its client has not taken of it is kept in memory while that takes something every `slowMs`. */
export function send(reply: FastifyReply, { status, headers, body }: Answer, slowMs: number): FastifyReply {
  reply.code(status).headers(SAFE).headers(headers).send(body);
  giveUpUnread(reply, slowMs);
  return reply;
}

/** Cuts a client that takes nothing of its answer for so long. */
export function giveUpUnread({ raw }: FastifyReply, slowMs: number): void {
  if (!raw.writableFinished) raw.setTimeout(slowMs, () => raw.destroy());
}

/** Begins an answer that is written piece by piece, and that the framework has no more to do with. */
export function begin(reply: FastifyReply, headers: Readonly<Record<string, string>>): ServerResponse {
  for (const [name, value] of Object.entries(reply.headers(headers).getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.hijack();
  return reply.raw.writeHead(200);
}

/** The media types of answers to GraphQL requests, as GraphQL over HTTP names them (section 4). */
const JSON_TYPES = ["application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8"];

const HTML = "text/html";

/**
 * Throws HttpError 406 where a client would not take the answer: to be asked before anything is done for it, for a mutation
 * whose answer cannot be given would be done without its sender knowing (RFC 9110 section 12.5.1).
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

/** Whether a page is what the client would like best, as browsers do that are sent to an address. */
export function prefersHtml({ accept = "" }: IncomingHttpHeaders): boolean {
  return accept !== "" && new Negotiator({ headers: { accept } }).mediaType([...JSON_TYPES, HTML]) === HTML;
}

/**
 * Whether an answer may be gzipped: Accept-Encoding lists it, not with a weight of 0 (RFC 9110 section 12.5.3). A request
 * without the header would take every encoding by the RFC; but it is that of a program that saves what comes as it comes.
 */
export function allowsGzip(headers: IncomingHttpHeaders): boolean {
  const accepted = [headers["accept-encoding"] ?? []].flat().join(",");
  return new Negotiator({ headers: { "accept-encoding": accepted } }).encodings(["gzip"]).length > 0;
}

/** Names of headers are in lower case. */
type Head = Pick<IncomingMessage, "method" | "headers">;
type Strategy = Parameters<FastifyInstance["addConstraintStrategy"]>[0];

/** Whether the client asks for a WebSocket (RFC 6455 section 4.1). */
export function isWebSocket({ method, headers }: Head): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket";
}

/** Whether the client wants a stream and nothing else; one that names JSON as well can do without. */
function wantsEvents({ headers: { accept = "" } }: Head): boolean {
  return accept.includes("text/event-stream") && !accept.includes("json");
}

/** Whether the answer goes on for as long as the client likes. */
export function isStream(head: Head): boolean {
  return isWebSocket(head) || wantsEvents(head);
}

/** What routes may be constrained to, with the value true: three doors share the path /graphql. */
export const TRANSPORTS: readonly Strategy[] = [
  transport("events", wantsEvents, { isOptional: true }),
  // A route that says nothing of WebSockets opens none.
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
