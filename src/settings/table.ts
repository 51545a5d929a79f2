import { INTROSPECTION_POLICIES } from "../audit/principal.js";
import { MAX_BODIES_BYTES, MAX_STREAMS, METRICS_POLICY, REQUEST_TIMEOUT_MS } from "../access/limits.js";
import { METRICS_POLICIES } from "../access/metrics-policy.js";
import type { LogDeclaration } from "../audit/log-declaration.js";
import { RESULT_TTL_MS } from "../audit/retention.js";
import { DEFAULT_LOG } from "../audit/service.js";
import { DEFAULT_VALUE_BYTES } from "../core/event-rules.js";
import { FORMAT_NAMES } from "../core/format.js";
import * as parse from "./parsers.js";
import { filesOf, group, made, setting, whereSet, type Given, type Readable } from "./setting.js";

const MS_PER_S = 1_000;
const BYTES_PER_MIB = 1_024 * 1_024;
const MAX_TTL_S = 31_536_000;

export const LISTENER = {
  host: setting({
    variable: "AUDITQL_HOST",
    parser: parse.host,
    default: "127.0.0.1",
    sentence: "Address to listen on; one that other machines reach needs API keys or JSON Web Tokens.",
  }),
  port: setting({
    variable: "AUDITQL_PORT",
    parser: parse.integer("0-65535", [0, 65_535]),
    default: "4000",
    sentence: "TCP port to listen on; 0 takes any free one.",
  }),
};

const SECRETS = {
  store: setting({
    variable: "AUDITQL_STORE",
    parser: parse.storeUrl,
    default: "sqlite:./data/audit.db",
    secret: "part",
    sentence:
      "Where the log is kept: sqlite:PATH, postgres://… to share it, memory: for one that ends with the process; pangea+https://… is a service of the Pangea protocol that keeps it.",
  }),
  redisUrl: setting({
    variable: "REDIS_URL",
    parser: parse.optional(parse.redisUrl),
    secret: "part",
    sentence: "Redis that remembers roots for all gateways. Not set: each gateway remembers its own.",
  }),
  pangeaToken: setting({
    variable: "AUDITQL_PANGEA_TOKEN",
    parser: parse.optional(parse.words("token", "a token")),
    secret: "value",
    sentence: "Token for the service of pangea+https://…, never on a command line; better in a file.",
  }),
};

export const STORAGE = {
  ...SECRETS,
  keyFile: setting({
    variable: "AUDITQL_KEY_FILE",
    parser: parse.path,
    default: "./data/auditql.key",
    sentence:
      "Ed25519 private key (PKCS#8 PEM) that signs roots; made at the first start. Back it up, show it to nobody.",
  }),
  previousKeyFiles: setting({
    variable: "AUDITQL_PREVIOUS_KEYS",
    parser: parse.paths,
    sentence:
      "Files of the keys that signed the logs before, newest first: what they signed stays the logs' own. Not set: there was no other.",
  }),
  isHandingOver: setting({
    variable: "AUDITQL_HAND_OVER",
    parser: parse.onOff,
    default: "on",
    sentence:
      "Whether the newest of AUDITQL_PREVIOUS_KEYS signs each root too, for clients that do not trust the new key yet.",
  }),
  pangeaConfigs: setting({
    variable: "AUDITQL_PANGEA_CONFIGS",
    parser: parse.pangeaConfigs,
    sentence:
      "The logs at that service, each with its configuration. Not set: one log named default, in the token's only configuration.",
  }),
  origin: setting({
    variable: "AUDITQL_ORIGIN",
    parser: parse.checkpointOrigin,
    default: "localhost/auditql",
    sentence:
      "Name of this deployment in its signed checkpoints, such as audit.example.com/log; `/` and the log's name follow.",
  }),
  secretFiles: filesOf(Object.values(SECRETS)),
};

const DECLARED_LOGS = {
  declared: setting({
    variable: "AUDITQL_LOGS",
    parser: parse.logDeclarations,
    sentence: `The logs to keep, each with its format; of an rfc6962 log also the most that \`message\`, \`new\` and \`old\` may each have, 1 to ${parse.MAX_VALUE_KIB} KiB, ${DEFAULT_VALUE_BYTES / 1_024} if not said. Not set: one log named ${DEFAULT_LOG}.`,
  }),
  format: setting({
    variable: "AUDITQL_LOG_FORMAT",
    parser: parse.oneOf(FORMAT_NAMES),
    default: "rfc6962",
    sentence: `Format of the log named ${DEFAULT_LOG}; fixed once the log exists.`,
  }),
};

/** The log named default is always there, in the default format unless the list says otherwise. */
const LOGS: Readable<readonly LogDeclaration[]> = made(group(DECLARED_LOGS), ({ declared, format }) => {
  const logs = [{ log: DEFAULT_LOG, format }, ...declared];
  return [...new Map(logs.map((declaration) => [declaration.log, declaration])).values()];
});

function namesOfLogs(given: Given): readonly string[] | undefined {
  const logs = LOGS.read(given);
  return logs.kind === "value" ? logs.value.map(({ log }) => log) : undefined;
}

const SERVICE = {
  logs: LOGS,
  schemaPlaces: setting({
    variable: "AUDITQL_LOG_SCHEMAS",
    parser: parse.schemaPlaces,
    sentence:
      "Logs of the format pangea whose events have fields of their own, each with the JSON file of its schema, or `service` where the service of AUDITQL_STORE says it; read at the start (docs/pangea.md). Not set: all logs have the standard fields.",
  }),
  resultTtlMs: setting({
    variable: "AUDITQL_RESULT_TTL",
    parser: parse.integer("seconds", [1, MAX_TTL_S], MS_PER_S),
    default: String(RESULT_TTL_MS / MS_PER_S),
    sentence: "How long a search can be paged after it was made, in seconds.",
  }),
};

export const API_KEYS = setting({
  variable: "AUDITQL_API_KEYS",
  parser: parse.optional(parse.path),
  sentence: "File of API keys, kept by `auditql key`; read again within a second of a change. Not set: no API keys.",
});

/** Without keys to check them with there are no tokens. */
const JWT = {
  jwks: setting({
    variable: "AUDITQL_JWT_JWKS",
    parser: parse.keySetPlace,
    sentence: "Public keys (JWKS) of the issuer of JSON Web Tokens; a URL must be https, or http to this machine.",
  }),
  issuer: setting({
    variable: "AUDITQL_JWT_ISSUER",
    parser: parse.words("iss", "the issuer's name"),
    sentence: "The exact `iss` that tokens must have.",
  }),
  audience: setting({
    variable: "AUDITQL_JWT_AUDIENCE",
    parser: parse.words("aud", "this gateway's name in tokens"),
    sentence: "The `aud` that tokens must have or contain.",
  }),
  algorithms: setting({
    variable: "AUDITQL_JWT_ALGORITHMS",
    parser: parse.optional(parse.algorithms),
    sentence: "The signatures that are accepted, such as EdDSA,ES256. Not set: every asymmetric one.",
  }),
  tenantClaim: setting({
    variable: "AUDITQL_JWT_TENANT_CLAIM",
    parser: parse.optional(parse.words("claim", "a claim")),
    sentence: "The claim with the tenant that a token's holder is bound to; if set, every token must have it.",
  }),
  restrictionClaim: setting({
    variable: "AUDITQL_JWT_RESTRICTION_CLAIM",
    parser: parse.optional(parse.words("claim", "a claim")),
    sentence:
      'The claim with what the holder may read, such as {"actor": ["alice"]}; if set, every token must have it.',
  }),
};

const MAX_EVENT_RATE = 1_000_000;
const BURST_S = 10;

const EVENT_RATE = {
  eventsPerSecond: setting({
    variable: "AUDITQL_EVENT_RATE",
    parser: parse.integer("events/s", [1, MAX_EVENT_RATE]),
    sentence: "How many events a second a credential may log over time, in this process. Not set: no limit.",
  }),
  capacity: setting({
    variable: "AUDITQL_EVENT_BURST",
    parser: parse.optional(parse.integer("events", [1, MAX_EVENT_RATE])),
    sentence: `How many events a credential may log at once after a pause. Not set: those of ${BURST_S} seconds.`,
  }),
};

const eventRate = made(group(EVENT_RATE), ({ eventsPerSecond, capacity = BURST_S * eventsPerSecond }) => ({
  eventsPerSecond,
  capacity,
}));

const STREAM_LIMITS = {
  maxStreams: setting({
    variable: "AUDITQL_MAX_STREAMS",
    parser: parse.integer("streams", [0, 100_000]),
    default: String(MAX_STREAMS),
    sentence:
      "How many subscriptions, and how many WebSockets, may be open at once in this process; one caller may have a tenth.",
  }),
};

export const SUBGRAPH_PREFIX = setting({
  variable: "AUDITQL_SUBGRAPH_PREFIX",
  parser: parse.optional(parse.fieldPrefix),
  sentence:
    "Begins the names of root fields in a supergraph, such as audit for auditLog and auditSearch; this gateway then serves log and search under both names. Not set: log, search.",
});

const GATEWAY = {
  eventRate: whereSet(EVENT_RATE.eventsPerSecond, eventRate),
  streamLimits: group(STREAM_LIMITS),
  requestTimeoutMs: setting({
    variable: "AUDITQL_REQUEST_TIMEOUT",
    parser: parse.integer("milliseconds", [1, 3_600_000]),
    default: String(REQUEST_TIMEOUT_MS),
    sentence:
      "How long an operation may be executed, in milliseconds; then it is stopped, and its caller gets UNAVAILABLE.",
  }),
  maxBodiesBytes: setting({
    variable: "AUDITQL_MAX_BODIES",
    parser: parse.integer("MiB", [16, 1_048_576], BYTES_PER_MIB),
    default: String(MAX_BODIES_BYTES / BYTES_PER_MIB),
    sentence:
      "How much of request bodies may be held at once in this process, in MiB, a quarter of it for one credential; more is refused as UNAVAILABLE.",
  }),
  introspection: setting({
    variable: "AUDITQL_INTROSPECTION",
    parser: parse.optional(parse.oneOf(INTROSPECTION_POLICIES)),
    sentence:
      "Who is told the schema: everyone, authenticated, admin or nobody. Not set: everyone on a gateway without credentials, else authenticated.",
  }),
  subgraphPrefix: SUBGRAPH_PREFIX,
  readLog: setting({
    variable: "AUDITQL_READ_LOG",
    parser: parse.optional(parse.oneOfGiven("name", namesOfLogs)),
    sentence:
      "The log, one of AUDITQL_LOGS, that records who was shown which entries, and that nobody else may log to. Not set: readings are not logged.",
  }),
  corsOrigins: setting({
    variable: "AUDITQL_CORS_ORIGINS",
    parser: parse.webOrigins,
    sentence:
      "Sites whose pages may call the API, and open WebSockets, such as https://app.example.com; `*`: every site, without cookies.",
  }),
  publicUrl: setting({
    variable: "AUDITQL_PUBLIC_URL",
    parser: parse.optional(parse.publicUrl),
    sentence:
      "Where clients find this gateway, such as https://audit.example.com: for links to downloads, and its pages behind a proxy. Not set: its own address on this machine, else links are relative.",
  }),
  trustedProxies: setting({
    variable: "AUDITQL_TRUSTED_PROXIES",
    parser: parse.networks,
    sentence:
      "The proxies before this gateway, such as 10.0.0.0/8: what they write into X-Forwarded-For is believed, for shares by address and the lines of refused requests.",
  }),
  metricsPolicy: setting({
    variable: "AUDITQL_METRICS",
    parser: parse.oneOf(METRICS_POLICIES),
    default: METRICS_POLICY,
    sentence:
      "Who may read /metrics: open (everyone), or admin (the scope audit:metrics or audit:admin, which every caller of a gateway without credentials has).",
  }),
};

const EXECUTION = {
  compiled: setting({
    variable: "AUDITQL_COMPILED_EXECUTION",
    parser: parse.onOff,
    default: "on",
    sentence: "Execute repeated GraphQL operations as compiled functions.",
  }),
  trustedDocuments: setting({
    variable: "AUDITQL_TRUSTED_DOCUMENTS",
    parser: parse.optional(parse.path),
    sentence: 'Manifest, {"sha256": "text"}, of the only documents that are executed. Not set: any document is.',
  }),
};

/** Lines of this level and of those before it are written. */
const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;

/** Every setting, in the groups that the parts are handed; the help and README's table list them in this order. */
export const SETTINGS = group({
  listener: group(LISTENER),
  storage: group(STORAGE),
  service: group(SERVICE),
  access: group({ apiKeys: API_KEYS, jwt: whereSet(JWT.jwks, group(JWT)) }),
  gateway: group(GATEWAY),
  execution: group(EXECUTION),
  logLevel: setting({
    variable: "AUDITQL_LOG_LEVEL",
    parser: parse.oneOf(LOG_LEVELS),
    default: "info",
    sentence: "Which lines the gateway writes to standard error; info has one for each operation, without its data.",
  }),
});
