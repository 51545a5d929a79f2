import { INTROSPECTION_POLICIES } from "./access/introspection.js";
import { METRICS_POLICIES } from "./access/metrics-policy.js";
import { FORMAT_NAMES } from "./core/format.js";
import { LOG_LEVELS } from "./setting-values.js";

/** One line of the table of settings: every setting is an environment variable and a flag of `auditql serve`. */
export interface Setting {
  readonly env: string;
  readonly flag: string;
  /** What the value is, with its unit. */
  readonly value: string;
  readonly fallback: string;
  readonly description: string;
}

export const SETTINGS = {
  host: {
    env: "AUDITQL_HOST",
    flag: "host",
    value: "address",
    fallback: "127.0.0.1",
    description: "Address to listen on; one that other machines reach needs API keys or JSON Web Tokens.",
  },
  port: {
    env: "AUDITQL_PORT",
    flag: "port",
    value: "0-65535",
    fallback: "4000",
    description: "TCP port to listen on; 0 takes any free one.",
  },
  store: {
    env: "AUDITQL_STORE",
    flag: "store",
    value: "url",
    fallback: "sqlite:./data/audit.db",
    description:
      "Where the log is kept: sqlite:PATH, postgres://… to share it, or memory: for one that ends with the process.",
  },
  redisUrl: {
    env: "REDIS_URL",
    flag: "redis-url",
    value: "redis-url",
    fallback: "",
    description:
      "Redis that remembers roots and persisted queries for all gateways. Not set: each gateway remembers its own.",
  },
  logs: {
    env: "AUDITQL_LOGS",
    flag: "logs",
    value: "name:format[:KiB],...",
    fallback: "",
    description:
      "The logs to keep, each with its format; of an rfc6962 log also the most that `message`, `new` and `old` may each have, 1 to 1024 KiB, 256 if not said. Not set: one log named default.",
  },
  logFormat: {
    env: "AUDITQL_LOG_FORMAT",
    flag: "log-format",
    value: FORMAT_NAMES.join("|"),
    fallback: "rfc6962",
    description: "Format of the log named default; fixed once the log exists.",
  },
  keyFile: {
    env: "AUDITQL_KEY_FILE",
    flag: "key-file",
    value: "path",
    fallback: "./data/auditql.key",
    description:
      "Ed25519 private key (PKCS#8 PEM) that signs roots; made at the first start. Back it up, show it to nobody.",
  },
  origin: {
    env: "AUDITQL_ORIGIN",
    flag: "origin",
    value: "name",
    fallback: "localhost/auditql",
    description:
      "Name of this deployment in its signed checkpoints, such as audit.example.com/log; `/` and the log's name follow.",
  },
  resultTtl: {
    env: "AUDITQL_RESULT_TTL",
    flag: "result-ttl",
    value: "seconds",
    fallback: "172800",
    description: "How long a search can be paged after it was made, in seconds.",
  },
  bulkResultTtl: {
    env: "AUDITQL_BULK_RESULT_TTL",
    flag: "bulk-result-ttl",
    value: "seconds",
    fallback: "86400",
    description: "How long the end of a bulk request can be polled, in seconds.",
  },
  maxBulkQueue: {
    env: "AUDITQL_MAX_BULK_QUEUE",
    flag: "max-bulk-queue",
    value: "MiB",
    fallback: "64",
    description: "How much of each log's bulk requests may wait to be logged, in MiB; more is refused as UNAVAILABLE.",
  },
  compiledExecution: {
    env: "AUDITQL_COMPILED_EXECUTION",
    flag: "compiled-execution",
    value: "on|off",
    fallback: "on",
    description: "Execute repeated GraphQL operations as compiled functions.",
  },
  apiKeys: {
    env: "AUDITQL_API_KEYS",
    flag: "api-keys",
    value: "path",
    fallback: "",
    description:
      "File of API keys, kept by `auditql key`; read again within a second of a change. Not set: no API keys.",
  },
  jwtJwks: {
    env: "AUDITQL_JWT_JWKS",
    flag: "jwt-jwks",
    value: "path|url",
    fallback: "",
    description: "Public keys (JWKS) of the issuer of JSON Web Tokens; a URL must be https, or http to this machine.",
  },
  jwtIssuer: {
    env: "AUDITQL_JWT_ISSUER",
    flag: "jwt-issuer",
    value: "iss",
    fallback: "",
    description: "The `iss` that tokens must have, to the letter.",
  },
  jwtAudience: {
    env: "AUDITQL_JWT_AUDIENCE",
    flag: "jwt-audience",
    value: "aud",
    fallback: "",
    description: "The `aud` that tokens must have or contain.",
  },
  jwtAlgorithms: {
    env: "AUDITQL_JWT_ALGORITHMS",
    flag: "jwt-algorithms",
    value: "name,...",
    fallback: "",
    description: "The signatures that are accepted, such as EdDSA,ES256. Not set: every asymmetric one.",
  },
  jwtTenantClaim: {
    env: "AUDITQL_JWT_TENANT_CLAIM",
    flag: "jwt-tenant-claim",
    value: "claim",
    fallback: "",
    description: "The claim with the tenant that a token's holder is bound to; if set, every token must have it.",
  },
  jwtRestrictionClaim: {
    env: "AUDITQL_JWT_RESTRICTION_CLAIM",
    flag: "jwt-restriction-claim",
    value: "claim",
    fallback: "",
    description:
      'The claim with what the holder may read, such as {"actor": ["alice"]}; if set, every token must have it.',
  },
  eventRate: {
    env: "AUDITQL_EVENT_RATE",
    flag: "event-rate",
    value: "events/s",
    fallback: "",
    description: "How many events a second a credential may log over time, in this process. Not set: no limit.",
  },
  eventBurst: {
    env: "AUDITQL_EVENT_BURST",
    flag: "event-burst",
    value: "events",
    fallback: "",
    description: "How many events a credential may log at once after a pause. Not set: those of ten seconds.",
  },
  maxStreams: {
    env: "AUDITQL_MAX_STREAMS",
    flag: "max-streams",
    value: "streams",
    fallback: "1000",
    description: "How many subscriptions, and how many WebSockets, may be open at once in this process.",
  },
  requestTimeout: {
    env: "AUDITQL_REQUEST_TIMEOUT",
    flag: "request-timeout",
    value: "milliseconds",
    fallback: "30000",
    description: "How long an operation may be executed, in milliseconds; then it is stopped and answered UNAVAILABLE.",
  },
  introspection: {
    env: "AUDITQL_INTROSPECTION",
    flag: "introspection",
    value: INTROSPECTION_POLICIES.join("|"),
    fallback: "",
    description:
      "Who is told the schema: everyone, authenticated, admin or nobody. Not set: everyone on a gateway without credentials, else authenticated.",
  },
  readLog: {
    env: "AUDITQL_READ_LOG",
    flag: "read-log",
    value: "name",
    fallback: "",
    description:
      "The log, one of AUDITQL_LOGS, that records who was shown which entries, and that nobody else may log to. Not set: readings are not logged.",
  },
  corsOrigins: {
    env: "AUDITQL_CORS_ORIGINS",
    flag: "cors-origins",
    value: "origin,...",
    fallback: "",
    description:
      "Sites whose pages may call the API, and open WebSockets, such as https://app.example.com; `*`: every site, without cookies.",
  },
  publicUrl: {
    env: "AUDITQL_PUBLIC_URL",
    flag: "public-url",
    value: "url",
    fallback: "",
    description:
      "Where clients find this gateway, such as https://audit.example.com: for links to downloads, and its pages behind a proxy. Not set: its own address on this machine, else links are relative.",
  },
  trustedDocuments: {
    env: "AUDITQL_TRUSTED_DOCUMENTS",
    flag: "trusted-documents",
    value: "path",
    fallback: "",
    description: 'Manifest, {"sha256": "text"}, of the only documents that are executed. Not set: any document is.',
  },
  logLevel: {
    env: "AUDITQL_LOG_LEVEL",
    flag: "log-level",
    value: LOG_LEVELS.join("|"),
    fallback: "info",
    description: "Which lines the gateway writes to standard error; info has one for each operation, without its data.",
  },
  metrics: {
    env: "AUDITQL_METRICS",
    flag: "metrics",
    value: METRICS_POLICIES.join("|"),
    fallback: "admin",
    description:
      "Who may read /metrics: open, or who has the scope audit:admin, as everyone has on a gateway without credentials.",
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;
