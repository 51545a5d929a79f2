import type { IncomingMessage, ServerResponse } from "node:http";
import { AccessError } from "../access/access-error.js";
import type { Access } from "../access/authenticate.js";

/** Answers a preflight itself, and true; on other requests, says which pages may read the answer, and false. */
export type Cors = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Stands for the pages of every site. */
export const EVERY_ORIGIN = "*";

const METHODS = "GET, POST, HEAD";
const REQUEST_HEADERS = [
  "authorization",
  "content-type",
  "apollo-require-preflight",
  "apollographql-client-name",
  "apollographql-client-version",
  "traceparent",
  "tracestate",
  "x-apollo-operation-name",
  "x-request-id",
].join(", ");
const ANSWER_HEADERS = "content-disposition, retry-after, www-authenticate, x-request-id";
/** How long a browser may remember the answer to a preflight. */
const MAX_AGE_S = "600";

/**
 * Cross-origin resource sharing (Fetch standard, section 3.2) for a list of origins. Only those that are listed by name
 * may send what the browser keeps for us; with `*` nothing of it goes along.
 */
export function cors(origins: readonly string[]): Cors {
  const listed = new Set(origins);
  if (listed.size === 0) return () => false;
  return (request, response) => {
    const { origin } = request.headers;
    const isNamed = origin !== undefined && origin !== EVERY_ORIGIN && listed.has(origin);
    response.setHeader("vary", "origin");
    if (isNamed) response.setHeader("access-control-allow-origin", origin);
    if (isNamed) response.setHeader("access-control-allow-credentials", "true");
    else if (listed.has(EVERY_ORIGIN)) response.setHeader("access-control-allow-origin", EVERY_ORIGIN);
    response.setHeader("access-control-expose-headers", ANSWER_HEADERS);
    const isPreflight = request.method === "OPTIONS" && "access-control-request-method" in request.headers;
    if (isPreflight) answerPreflight(response);
    return isPreflight;
  };
}

function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": REQUEST_HEADERS,
    "access-control-max-age": MAX_AGE_S,
  });
  response.end();
}

/** Throws an AccessError where pages of every site could read a log that asks nobody for a credential. */
export function requireClosed(origins: readonly string[], access: Access): void {
  if (access.kind !== "open" || !origins.includes(EVERY_ORIGIN)) return;
  throw new AccessError(
    "refusing to let pages of every site read a log without authentication: name the sites in AUDITQL_CORS_ORIGINS, " +
      "or set up API keys or JSON Web Tokens",
  );
}
