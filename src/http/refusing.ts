import { randomUUID } from "node:crypto";
import { maxHeaderSize, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyError, FastifyInstance, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { AuditError, hasCode } from "../audit/errors.js";
import { HttpError, SAFE, send, isWebSocket, type Answer } from "./answer.js";
import { dropRest } from "./body.js";
import { refusalAnswer, refusalOf, type Entrance, type Refusal, type Refusals } from "./refusal.js";
import { senderOf } from "./admission.js";

export interface RefusingOptions {
  readonly logger: Logger;
  readonly refusals: Refusals;
  readonly maxBodyBytes: number;
  /** How long a client may leave sent data unread. */
  readonly slowMs: number;
}

/** Answers every request that no door serves or that a door refuses: recorded, and in one shape. */
export function refuseOthers(app: FastifyInstance, options: RefusingOptions): void {
  // If no door takes bodies, none is read.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _body, done) => {
    done(null);
  });
  app.setNotFoundHandler((request) => {
    const allowed = pathOf(request) === "/graphql" ? ["GET", "POST"] : ["GET", "HEAD"];
    if (allowed.includes(request.method)) throw notFound();
    const allow = allowed.join(", ");
    throw new HttpError("METHOD_NOT_ALLOWED", `the method ${request.method} is not supported here: use ${allow}`, {
      allow,
    });
  });
  refuseWith(app, options, { entranceOf, requestIdOf: ({ id }) => id, answer: refusalAnswer });
}

/** How a door records and answers refused requests. */
export interface RefusalShape {
  readonly entranceOf: (request: FastifyRequest) => Entrance;
  readonly requestIdOf: (request: FastifyRequest) => string;
  readonly answer: (refusal: Refusal, request: FastifyRequest) => Answer;
}

/** Records every request that the door refuses, and answers it in the door's shape. */
export function refuseWith(app: FastifyInstance, options: RefusingOptions, shape: RefusalShape): void {
  const { logger, refusals, maxBodyBytes, slowMs } = options;
  app.setErrorHandler<Error>(async (error, request, reply) => {
    const requestId = shape.requestIdOf(request);
    const refusal = refusalOf(ofFastify(error, maxBodyBytes) ?? error, logger.child({ requestId }));
    const answer = shape.answer(refusal, request);
    const entrance = shape.entranceOf(request);
    refusals.add({ entrance, refusal, status: answer.status, sender: { ...senderOf(request), requestId } });
    // The connection cannot be reused: what its client is still sending is read first, or the client would see a broken
    // pipe.
    if (reply.getHeader("connection") === "close") await dropRest(request.raw, maxBodyBytes);
    return send(reply, answer, slowMs);
  });
}

/** Responds to bytes that are not a whole request, and closes their connection: nothing else is known of it. */
export function refuseUnreadable(refusals: Refusals): (error: Error, connection: Socket) => void {
  return (error, connection) => {
    if (!hasCode(error, "ECONNRESET") && connection.writable) {
      const refusal = unreadable(error);
      const requestId = randomUUID();
      const { status, headers, body } = refusalAnswer(refusal);
      const own = { "x-request-id": requestId, connection: "close", "content-length": Buffer.byteLength(body) };
      const lines = Object.entries({ ...SAFE, ...headers, ...own }).map(([name, value]) => `${name}: ${value}\r\n`);
      connection.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body}`);
      const sender = { requestId, address: connection.remoteAddress ?? "", headers: {} };
      // A client that left in the middle of its request was not refused; whatever had started to serve it reports that.
      if (!hasCode(error, "HPE_INVALID_EOF_STATE")) refusals.add({ entrance: "connection", refusal, status, sender });
    }
    connection.destroy(error);
  };
}

function unreadable(error: Error): HttpError {
  if (hasCode(error, "HPE_HEADER_OVERFLOW"))
    return new HttpError("HEADERS_TOO_LARGE", `the head of a request may have at most ${maxHeaderSize} bytes`);
  if (hasCode(error, "ERR_HTTP_REQUEST_TIMEOUT"))
    return new HttpError("REQUEST_TIMEOUT", "the request did not arrive in time");
  return new HttpError(
    "BAD_REQUEST",
    "expected an HTTP/1.1 request, got other bytes: TLS and HTTP/2 have to end at a proxy in front of this gateway",
  );
}

/** What the framework finds wrong with a request, in our words; undefined if it is not a client's mistake. */
function ofFastify(error: Error & Partial<FastifyError>, maxBodyBytes: number): Refusal | undefined {
  if (hasCode(error, "ECONNRESET"))
    return new HttpError("BAD_REQUEST", "the connection ended before the request body did");
  switch (error.code?.startsWith("FST_") === true ? error.statusCode : undefined) {
    case 400:
      return new HttpError("BAD_REQUEST", error.message);
    case 403:
    case 404:
    case 414:
      return notFound();
    case 413:
      return new HttpError("PAYLOAD_TOO_LARGE", `the request body may have at most ${maxBodyBytes} bytes`);
    case 415:
      return new HttpError(
        "UNSUPPORTED_MEDIA_TYPE",
        "the header Content-Type is not a media type: send application/json",
      );
    default:
      return undefined;
  }
}

function notFound(): AuditError {
  return new AuditError("NOT_FOUND", "nothing here: the viewer is at /, the API at /graphql, GraphiQL at /graphiql/");
}

function pathOf({ url }: FastifyRequest): string {
  const [path = ""] = url.split("?", 1);
  return path;
}

function entranceOf(request: FastifyRequest): Entrance {
  if (isWebSocket(request.raw)) return "websocket";
  const path = pathOf(request);
  if (path.startsWith("/downloads/")) return "downloads";
  if (path === "/graphql") return "graphql";
  return path === "/metrics" ? "metrics" : "page";
}
