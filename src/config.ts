import type { LogDeclaration } from "./audit/open-log.js";
import { DEFAULT_LOG } from "./audit/service.js";
import type { FieldProblem } from "./core/event.js";
import { FORMAT_NAMES, type FormatName } from "./core/format.js";

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
    description: "Address to listen on; only loopback addresses are accepted.",
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

/** A parsed value, or what would have been right. */
type Parsed<T> =
  { readonly kind: "value"; readonly value: T } | { readonly kind: "expected"; readonly expected: string };

const value = <T>(value: T): Parsed<T> => ({ kind: "value", value });
const expected = (expected: string): Parsed<never> => ({ kind: "expected", expected });

/** The settings of a start: a flag wins over the environment, both over the default. Throws one SettingsError for all that is wrong. */
export function readSettings(flags: Flags, env: Environment): Settings {
  const problems: FieldProblem[] = [];
  const read = <T>(name: SettingName, parse: (text: string) => Parsed<T>, instead: T): T => {
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
    redisUrl: read("redisUrl", parseRedisUrl, undefined),
    logs: read("logs", (text) => parseLogs(text, format), []),
    keyFile: read("keyFile", parseText("a path"), ""),
    origin: read("origin", parseOrigin, ""),
    resultTtlMs: 1000 * read("resultTtl", parseInteger(1, 31_536_000), 1),
    compiledExecution: read("compiledExecution", parseSwitch, true),
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

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

function parseHost(text: string): Parsed<string> {
  if (LOOPBACK.test(text)) return value(text);
  return expected(
    "a loopback address such as 127.0.0.1, because authentication is not available yet in this version (for access from elsewhere put a proxy with authentication in front)",
  );
}

function parseInteger(min: number, max: number) {
  return (text: string): Parsed<number> => {
    const number = Number(text);
    const fits = /^\d+$/.test(text) && number >= min && number <= max;
    return fits ? value(number) : expected(`an integer from ${min} to ${max}`);
  };
}

function parseText(what: string) {
  return (text: string): Parsed<string> => (text.trim() === "" ? expected(what) : value(text));
}

function parseStore(text: string): Parsed<string> {
  return /^[a-z+]+:/.test(text) ? value(text) : expected("a store such as sqlite:./data/audit.db or memory:");
}

function parseRedisUrl(text: string): Parsed<string | undefined> {
  if (text === "") return value(undefined);
  return /^rediss?:\/\/./.test(text) ? value(text) : expected("a URL such as redis://127.0.0.1:6379");
}

/** A key name of a C2SP signed note: not empty, without blanks and plus signs. */
function parseOrigin(text: string): Parsed<string> {
  return /^[^\s+]+$/.test(text) ? value(text) : expected("a name without blanks and plus signs");
}

function parseSwitch(text: string): Parsed<boolean> {
  return text === "on" || text === "off" ? value(text === "on") : expected("on or off");
}

function parseFormat(text: string): Parsed<FormatName> {
  const format = FORMAT_NAMES.find((name) => name === text);
  return format === undefined ? expected(`one of ${FORMAT_NAMES.join(", ")}`) : value(format);
}

const LOG = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([a-z0-9]+)$/;

/** The log named default is always there, in `defaultFormat` unless the list says otherwise. */
function parseLogs(text: string, defaultFormat: FormatName): Parsed<readonly LogDeclaration[]> {
  const logs = new Map<string, FormatName>([[DEFAULT_LOG, defaultFormat]]);
  for (const item of text.split(",").filter((part) => part.trim() !== "")) {
    const [, log, name = ""] = LOG.exec(item.trim()) ?? [];
    const format = parseFormat(name);
    if (log === undefined || format.kind === "expected") {
      return expected(`a list of name:format, each format one of ${FORMAT_NAMES.join(", ")}`);
    }
    logs.set(log, format.value);
  }
  return value([...logs].map(([log, format]) => ({ log, format })));
}
