import { INTROSPECTION_POLICIES, type IntrospectionPolicy } from "./access/introspection.js";
import type { JwtSettings } from "./access/jwt.js";
import { METRICS_POLICIES, type MetricsPolicy } from "./access/metrics-policy.js";
import type { AccessSettings } from "./access/open-access.js";
import type { EventRateSettings } from "./access/rate.js";
import type { LogDeclaration } from "./audit/log-declaration.js";
import type { FieldProblem } from "./core/event.js";
import { SETTINGS, type SettingName } from "./setting-table.js";
import {
  LOG_LEVELS,
  optional,
  parseAlgorithms,
  parseFormat,
  parseHost,
  parseInteger,
  parseLogs,
  parseNothing,
  parseOneOf,
  parseOrigin,
  parseOrigins,
  parseKeySetPlace,
  parsePublicUrl,
  parseRedisUrl,
  parseStore,
  parseSwitch,
  parseText,
  type LogLevel,
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
  readonly bulkResultTtlMs: number;
  readonly maxWaitingBulkBytes: number;
  readonly compiledExecution: boolean;
  /** How people are let in; whether that is enough for `host` is decided at start. */
  readonly access: Omit<AccessSettings, "host">;
  /** Undefined: no limit. */
  readonly eventRate: EventRateSettings | undefined;
  readonly maxStreams: number;
  readonly requestTimeoutMs: number;
  /** Undefined: as the access to the gateway suggests. */
  readonly introspection: IntrospectionPolicy | undefined;
  /** One of `logs`. Undefined: readings are not logged. */
  readonly readLog: string | undefined;
  readonly corsOrigins: readonly string[];
  /** Without a trailing slash. Undefined: what the address to listen on suggests. */
  readonly publicUrl: string | undefined;
  /** Path of a manifest. Undefined: any document is executed. */
  readonly trustedDocuments: string | undefined;
  readonly logLevel: LogLevel;
  readonly metricsPolicy: MetricsPolicy;
}

/** Settings that cannot be used; the message names each with what was expected and what came. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";

  constructor(readonly problems: readonly FieldProblem[]) {
    super(
      problems.map(({ path, expected, got }) => `${path}: expected ${expected}, got ${JSON.stringify(got)}`).join("\n"),
    );
  }
}

const BYTES_PER_MIB = 1_048_576;

export type Flags = { readonly [name in SettingName]?: string };
export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of a start: a flag wins over the environment, both over the default. Throws one SettingsError for all that is wrong. */
export function readSettings(flags: Flags, env: Environment): Settings {
  const problems: FieldProblem[] = [];
  const read: Read = (name, parse, instead) => {
    const { text, path } = given(name, flags, env);
    const parsed = parse(text);
    if (parsed.kind === "value") return parsed.value;
    const { expected, got = text } = parsed;
    problems.push({ path, expected, got });
    return instead;
  };
  const format = read("logFormat", parseFormat, "rfc6962");
  const logs = read("logs", (text) => parseLogs(text, format), []);
  const settings: Settings = {
    host: read("host", parseHost, ""),
    port: read("port", parseInteger(0, 65535), 0),
    store: read("store", parseStore, ""),
    redisUrl: read("redisUrl", optional(parseRedisUrl), undefined),
    logs,
    keyFile: read("keyFile", parseText("a path"), ""),
    origin: read("origin", parseOrigin, ""),
    resultTtlMs: 1000 * read("resultTtl", parseInteger(1, 31_536_000), 1),
    bulkResultTtlMs: 1000 * read("bulkResultTtl", parseInteger(1, 31_536_000), 1),
    maxWaitingBulkBytes: BYTES_PER_MIB * read("maxBulkQueue", parseInteger(1, 1_048_576), 1),
    compiledExecution: read("compiledExecution", parseSwitch, true),
    access: accessOf(read),
    eventRate: eventRateOf(read),
    maxStreams: read("maxStreams", parseInteger(0, 100_000), 0),
    requestTimeoutMs: read("requestTimeout", parseInteger(1, 3_600_000), 1),
    logLevel: read("logLevel", parseOneOf(LOG_LEVELS), "info"),
    metricsPolicy: read("metrics", parseOneOf(METRICS_POLICIES), "admin"),
    introspection: read("introspection", optional(parseOneOf(INTROSPECTION_POLICIES)), undefined),
    readLog: read("readLog", optional(parseOneOf(logs.map(({ log }) => log))), undefined),
    corsOrigins: read("corsOrigins", optional(parseOrigins), undefined) ?? [],
    publicUrl: read("publicUrl", optional(parsePublicUrl), undefined),
    trustedDocuments: read("trustedDocuments", optional(parseText("a path")), undefined),
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
  const jwks = read("jwtJwks", optional(parseKeySetPlace), undefined);
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
