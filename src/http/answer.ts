import type { ServerResponse } from "node:http";
import type { AuditError } from "../audit/errors.js";
import { HTTP_STATUS, retryAfter, type CodeOfStatus } from "../graphql/error-table.js";
import { auditFailure } from "../graphql/errors.js";

/** The code that an HTTP status alone says. */
const CODES = {
  400: "BAD_REQUEST",
  401: "UNAUTHENTICATED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  405: "METHOD_NOT_ALLOWED",
  406: "NOT_ACCEPTABLE",
  410: "LINK_EXPIRED",
  413: "PAYLOAD_TOO_LARGE",
  415: "UNSUPPORTED_MEDIA_TYPE",
  500: "INTERNAL_SERVER_ERROR",
  503: "UNAVAILABLE",
} as const satisfies {
  readonly [Status in 400 | 401 | 403 | 404 | 405 | 406 | 410 | 413 | 415 | 500 | 503]: CodeOfStatus<Status>;
};

/** A request that ends before GraphQL sees it; the message is written for the client. */
export class HttpError extends Error {
  override readonly name = "HttpError";

  get code(): (typeof CODES)[keyof typeof CODES] {
    return CODES[this.status];
  }

  constructor(
    readonly status: keyof typeof CODES,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** On every answer: a browser takes it for what it says it is, and keeps no copy of what may be secret. */
export const SAFE = { "x-content-type-options": "nosniff", "cache-control": "no-store" };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...SAFE, ...headers, "content-length": Buffer.byteLength(body) });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const type = { "content-type": "application/json; charset=utf-8" };
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(value) };
}

/** In the shape of a GraphQL error, so that a client has one way to read what went wrong. */
export function errorAnswer({ status, code, message, headers }: HttpError): Answer {
  return jsonAnswer(status, { errors: [{ message, extensions: { code } }] }, headers);
}

/** A request that ends with an error of the audit service, nothing of it done. */
export function failureAnswer(error: AuditError): Answer {
  const { code, retryAfterMs } = error;
  const headers = retryAfterMs === undefined ? {} : { "retry-after": retryAfter(retryAfterMs) };
  return jsonAnswer(HTTP_STATUS[code], { errors: [auditFailure({}, error)] }, headers);
}

export function redirect(location: string): Answer {
  return { status: 308, headers: { location }, body: "" };
}
