import type { JwtSettings } from "./access/jwt.js";
import type { AccessSettings } from "./access/open-access.js";
import type { EventRateSettings } from "./access/rate.js";
import type { LogDeclaration } from "./audit/open-log.js";
import type { FieldProblem } from "./core/event.js";
import { FORMAT_NAMES } from "./core/format.js";
import {
  optional,
  parseAlgorithms,
  parseFormat,
  parseHost,
  parseInteger,
  parseLogs,
  parseNothing,
  parseOrigin,
  parseRedisUrl,
  parseStore,
  parseSwitch,
  parseText,
  type Parsed,
} from "./setting-values.js";

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly store: string;
  readonly redisUrl: string | undefined;
  readonly logs: readonly LogDeclaration[];
  readonly keyFile: string;
  readonly origin: string;
  readonly resultTtlMs: number;
  readonly compiledExecution: boolean;
  /** How people are let in; whether that is enough for `host` is decided at start. */
  readonly access: Omit<AccessSettings, "host">;
  /** Undefined: no limit. */
  readonly eventRate: EventRateSettings | undefined;
  readonly maxStreams: number;
}

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
    description: "Redis that remembers roots for all gateways. Not set: each gateway remembers its own.",
  },
  logs: {
    env: "AUDITQL_LOGS",
    flag: "logs",
    value: "name:format,...",
    fallback: "",
    description: "The logs to keep, each with its format. Not set: one log named default.",
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
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;

/** Settings that cannot be used; the message names each with what was expected and what came. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";

  constructor(readonly problems: readonly FieldProblem[]) {
    super(
      problems.map(({ path, expected, got }) => `${path}: expected ${expected}, got ${JSON.stringify(got)}`).join("\n"),
    );
  }
}

export type Flags = { readonly [name in SettingName]?: string };
export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of a start: a flag wins over the environment, both over the default. Throws one SettingsError for all that is wrong. */
export function readSettings(flags: Flags, env: Environment): Settings {
  const problems: FieldProblem[] = [];
  const read: Read = (name, parse, instead) => {
    const { text, path } = given(name, flags, env);
    const parsed = parse(text);
    if (parsed.kind === "value") return parsed.value;
    problems.push({ path, expected: parsed.expected, got: text });
    return instead;
  };
  const format = read("logFormat", parseFormat, "rfc6962");
  const settings: Settings = {
    host: read("host", parseHost, ""),
    port: read("port", parseInteger(0, 65535), 0),
    store: read("store", parseStore, ""),
    redisUrl: read("redisUrl", optional(parseRedisUrl), undefined),
    logs: read("logs", (text) => parseLogs(text, format), []),
    keyFile: read("keyFile", parseText("a path"), ""),
    origin: read("origin", parseOrigin, ""),
    resultTtlMs: 1000 * read("resultTtl", parseInteger(1, 31_536_000), 1),
    compiledExecution: read("compiledExecution", parseSwitch, true),
    access: accessOf(read),
    eventRate: eventRateOf(read),
    maxStreams: read("maxStreams", parseInteger(0, 100_000), 0),
  };
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

function given(name: SettingName, flags: Flags, env: Environment): { readonly text: string; readonly path: string } {
  const setting = SETTINGS[name];
  const flag = flags[name];
  if (flag !== undefined) return { text: flag, path: `--${setting.flag}` };
  return { text: env[setting.env] || setting.fallback, path: setting.env };
}

type Read = <T>(name: SettingName, parse: (text: string) => Parsed<T>, instead: T) => T;

function accessOf(read: Read): Settings["access"] {
  const apiKeys = read("apiKeys", optional(parseText("a path")), undefined);
  const jwks = read("jwtJwks", optional(parseText("a path or URL")), undefined);
  const jwt = jwtOf(read, jwks);
  return { ...(apiKeys !== undefined && { apiKeys }), ...(jwt !== undefined && { jwt }) };
}

/** Without keys to check them with there are no tokens, so what else is said of them is a slip. */
function jwtOf(read: Read, jwks: string | undefined): JwtSettings | undefined {
  const ifJwks = <T>(parse: (text: string) => Parsed<T>): ((text: string) => Parsed<T | undefined>) =>
    jwks === undefined ? parseNothing(SETTINGS.jwtJwks.env) : parse;
  const issuer = read("jwtIssuer", ifJwks(parseText("the issuer's name")), undefined);
  const audience = read("jwtAudience", ifJwks(parseText("this gateway's name in tokens")), undefined);
  const algorithms = read("jwtAlgorithms", ifJwks(optional(parseAlgorithms)), undefined);
  const tenantClaim = read("jwtTenantClaim", ifJwks(optional(parseText("a claim"))), undefined);
  const restrictionClaim = read("jwtRestrictionClaim", ifJwks(optional(parseText("a claim"))), undefined);
  if (jwks === undefined || issuer === undefined || audience === undefined) return undefined;
  return {
    ...{ jwks, issuer, audience },
    ...(algorithms && { algorithms }),
    ...(tenantClaim !== undefined && { tenantClaim }),
    ...(restrictionClaim !== undefined && { restrictionClaim }),
  };
}

const MAX_EVENT_RATE = 1_000_000;
const DEFAULT_BURST_S = 10;

function eventRateOf(read: Read): EventRateSettings | undefined {
  const eventsPerSecond = read("eventRate", optional(parseInteger(1, MAX_EVENT_RATE)), undefined);
  const parseBurst =
    eventsPerSecond === undefined ? parseNothing(SETTINGS.eventRate.env) : optional(parseInteger(1, MAX_EVENT_RATE));
  const capacity = read("eventBurst", parseBurst, undefined);
  if (eventsPerSecond === undefined) return undefined;
  return { eventsPerSecond, capacity: capacity ?? DEFAULT_BURST_S * eventsPerSecond };
}
