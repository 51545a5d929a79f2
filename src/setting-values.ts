import { JWT_ALGORITHMS, type JwtAlgorithm } from "./access/jwt-algorithm.js";
import { isLoopback } from "./access/loopback.js";
import type { LogDeclaration } from "./audit/log-declaration.js";
import { DEFAULT_LOG } from "./audit/service.js";
import { MAX_EVENT_BYTES } from "./core/event-rules.js";
import { FORMAT_NAMES, type FormatName } from "./core/format.js";
import { parseStoreUrl, schemeOf, STORE_SPELLINGS } from "./stores/store-url.js";

/** A parsed value, or what would have been right; `got` is what may be said of a text that may hold a secret. */
export type Parsed<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "expected"; readonly expected: string; readonly got?: string };

/** Lines of this level and of those before it are written. */
export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

const value = <T>(value: T): Parsed<T> => ({ kind: "value", value });
const expected = (expected: string): Parsed<never> => ({ kind: "expected", expected });

export function parseInteger(min: number, max: number) {
  return (text: string): Parsed<number> => {
    const number = Number(text);
    const fits = /^\d+$/.test(text) && number >= min && number <= max;
    return fits ? value(number) : expected(`an integer from ${min} to ${max}`);
  };
}

/** What is given, or undefined for the empty text that stands for "not set". */
export function optional<T>(parse: (text: string) => Parsed<T>) {
  return (text: string): Parsed<T | undefined> => (text === "" ? value(undefined) : parse(text));
}

/** For a setting that means nothing by itself: `needed` is the one that is not set. */
export function parseNothing(needed: string) {
  return (text: string): Parsed<undefined> =>
    text === "" ? value(undefined) : expected(`no value as long as ${needed} is not set`);
}

export function parseHost(text: string): Parsed<string> {
  return /^[^\s/]+$/.test(text) ? value(text) : expected("an address or host name such as 127.0.0.1");
}

export function parseAlgorithms(text: string): Parsed<readonly JwtAlgorithm[]> {
  const names = text.split(",").map((name) => name.trim());
  const algorithms = JWT_ALGORITHMS.filter((algorithm) => names.includes(algorithm));
  const known = algorithms.length === new Set(names).size;
  return known ? value(algorithms) : expected(`a list of some of ${JWT_ALGORITHMS.join(", ")}`);
}

export function parseText(what: string) {
  return (text: string): Parsed<string> => (text.trim() === "" ? expected(what) : value(text));
}

export function parseStore(text: string): Parsed<string> {
  if (parseStoreUrl(text) !== undefined) return value(text);
  return { kind: "expected", expected: STORE_SPELLINGS, got: schemeOf(text) };
}

export function parseRedisUrl(text: string): Parsed<string> {
  if (/^rediss?:\/\/./.test(text)) return value(text);
  return { kind: "expected", expected: "a URL such as redis://127.0.0.1:6379", got: schemeOf(text) };
}

/** A key name of a C2SP signed note: not empty, without blanks and plus signs. */
export function parseOrigin(text: string): Parsed<string> {
  return /^[^\s+]+$/.test(text) ? value(text) : expected("a name without blanks and plus signs");
}

/** Web origins as browsers write them (RFC 6454 section 6.2), or `*`. */
export function parseOrigins(text: string): Parsed<readonly string[]> {
  const origins = text.split(",").map((origin) => origin.trim());
  const areOrigins = origins.every((origin) => origin === "*" || originOf(origin) === origin);
  return areOrigins ? value(origins) : expected("a list of origins such as https://app.example.com, or *");
}

function originOf(text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).origin : undefined;
}

/** An http or https URL that paths can be put behind; without its trailing slash. */
export function parsePublicUrl(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBase = url !== undefined && /^https?:$/.test(url.protocol) && url.search + url.hash + userOf(url) === "";
  if (isBase) return value(url.href.replace(/\/$/, ""));
  return { kind: "expected", expected: "a URL such as https://audit.example.com", got: withoutUser(text) };
}

/**
 * A path, or the URL of keys that nobody else can answer in their issuer's place. A password in it would be shown wherever the
 * URL is.
 */
export function parseKeySetPlace(text: string): Parsed<string> {
  const what = "a path, or a URL such as https://issuer.example/jwks without a password (http: this machine only)";
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return parseText(what)(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  return isSafe && userOf(url) === "" ? value(text) : { kind: "expected", expected: what, got: withoutUser(text) };
}

function userOf({ username, password }: URL): string {
  return username + password;
}

/** What may be shown of a URL that was not taken. */
function withoutUser(text: string): string {
  return text.replace(/\/\/.*@/, "//");
}

export function parseSwitch(text: string): Parsed<boolean> {
  return text === "on" || text === "off" ? value(text === "on") : expected("on or off");
}

export function parseOneOf<T extends string>(names: readonly T[]) {
  return (text: string): Parsed<T> => {
    const found = names.find((name) => name === text);
    return found === undefined ? expected(`one of ${names.join(", ")}`) : value(found);
  };
}

export const parseFormat = parseOneOf<FormatName>(FORMAT_NAMES);

const LOG = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([a-z0-9]+)(?::(\d{1,4}))?$/;
const BYTES_PER_KIB = 1_024;
const MAX_VALUE_KIB = MAX_EVENT_BYTES / BYTES_PER_KIB;

/** The log named default is always there, in `defaultFormat` unless the list says otherwise. */
export function parseLogs(text: string, defaultFormat: FormatName): Parsed<readonly LogDeclaration[]> {
  const logs = new Map<string, LogDeclaration>([[DEFAULT_LOG, { log: DEFAULT_LOG, format: defaultFormat }]]);
  for (const item of text.split(",").filter((part) => part.trim() !== "")) {
    const declaration = parseLog(item.trim());
    if (declaration === undefined) {
      return expected(
        `a list of name:format or name:rfc6962:KiB, each format one of ${FORMAT_NAMES.join(", ")}, KiB 1 to ${MAX_VALUE_KIB}`,
      );
    }
    logs.set(declaration.log, declaration);
  }
  return value([...logs.values()]);
}

/** The limits of a pangea log are its protocol's. */
function parseLog(item: string): LogDeclaration | undefined {
  const [, log, name = "", size] = LOG.exec(item) ?? [];
  const format = parseFormat(name);
  if (log === undefined || format.kind === "expected") return undefined;
  if (size === undefined) return { log, format: format.value };
  const kib = Number(size);
  const isAllowed = format.value === "rfc6962" && kib >= 1 && kib <= MAX_VALUE_KIB;
  return isAllowed ? { log, format: format.value, maxValueBytes: kib * BYTES_PER_KIB } : undefined;
}
