import fastifyCors from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import { AccessError } from "../access/access-error.js";
import type { Access } from "../access/authenticate.js";

/** Stands for the pages of every site. */
export const EVERY_ORIGIN = "*";

const METHODS = ["GET", "POST", "HEAD"];
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
];
const ANSWER_HEADERS = ["content-disposition", "retry-after", "www-authenticate", "x-request-id"];
/** How long a browser may remember the answer to a preflight. */
const MAX_AGE_S = 600;

/**
 * Cross-origin resource sharing (Fetch standard, section 3.2) for a list of origins. Only pages of listed origins may
 * send what browsers store for this gateway; with `*`, nothing stored is sent. Without origins, no response changes.
 */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const listed = new Set(origins);
  void app.register(fastifyCors, {
    delegator: ({ method, headers }, done) => {
      const { origin } = headers;
      const isNamed = origin !== undefined && origin !== EVERY_ORIGIN && listed.has(origin);
      done(null, {
        origin: isNamed ? origin : listed.has(EVERY_ORIGIN) ? EVERY_ORIGIN : [],
        credentials: isNamed,
        methods: METHODS,
        allowedHeaders: REQUEST_HEADERS,
        exposedHeaders: ANSWER_HEADERS,
        maxAge: MAX_AGE_S,
        // Any other OPTIONS request is not a preflight, and is refused as an unsupported method.
        preflight: method === "OPTIONS" && "access-control-request-method" in headers,
        strictPreflight: false,
      });
    },
  });
}

/** Throws an AccessError if pages of every site could read a log that requires no credential. */
export function requireClosed(origins: readonly string[], access: Access): void {
  if (access.kind !== "open" || !origins.includes(EVERY_ORIGIN)) return;
  throw new AccessError(
    "refusing to let pages of every site read a log without authentication: name the sites in AUDITQL_CORS_ORIGINS, " +
      "or set up API keys or JSON Web Tokens",
  );
}
