import { JWT_ALGORITHMS, type JwtAlgorithm } from "../access/jwt-algorithm.js";
import { isLoopback } from "../audit/principal.js";
import { isNetwork } from "../access/network.js";
import type { LogDeclaration } from "../audit/log-declaration.js";
import { MAX_EVENT_BYTES } from "../core/event-rules.js";
import { FORMAT_NAMES, type FormatName } from "../core/format.js";
import { PANGEA_SPELLING, pangeaUrl } from "../backends/pangea-url.js";
import { parseStoreUrl, schemeOf, STORE_SPELLINGS } from "../stores/store-url.js";
import type { Given, Parsed, Parser } from "./setting.js";

const value = <T>(value: T): Parsed<T> => ({ kind: "value", value });
const expected = (expected: string): Parsed<never> => ({ kind: "expected", expected });

/** What is given, or undefined for the empty text that stands for "not set". */
export function optional<T>({ value: name, parse }: Parser<T>): Parser<T | undefined> {
  return { value: name, parse: (text, given) => (text === "" ? value(undefined) : parse(text, given)) };
}

/** A number of some unit, as a number of a `scale`th of that unit. */
export function integer(unit: string, [min, max]: readonly [min: number, max: number], scale = 1): Parser<number> {
  const parse = (text: string): Parsed<number> => {
    const number = Number(text);
    const fits = /^\d+$/.test(text) && number >= min && number <= max;
    return fits ? value(scale * number) : expected(`an integer from ${min} to ${max}`);
  };
  return { value: unit, parse };
}

export function words(name: string, what: string): Parser<string> {
  return { value: name, parse: (text) => (text.trim() === "" ? expected(what) : value(text)) };
}

export const path = words("path", "a path");

/** None if not set. */
export const paths: Parser<readonly string[]> = {
  value: "path,...",
  parse: (text) => value(text.split(",").flatMap((path) => path.trim() || [])),
};

export function oneOf<T extends string>(names: readonly T[]): Parser<T> {
  return { value: names.join("|"), parse: (text) => parseOneOf(names, text) };
}

/** One of the names that other settings give. */
export function oneOfGiven(name: string, names: (given: Given) => readonly string[] | undefined): Parser<string> {
  const parse = (text: string, given: Given): Parsed<string> => {
    const known = names(given);
    // The setting that gives the names is invalid, and reported: this one cannot be checked.
    return known === undefined ? value(text) : parseOneOf(known, text);
  };
  return { value: name, parse };
}

function parseOneOf<T extends string>(names: readonly T[], text: string): Parsed<T> {
  const found = names.find((name) => name === text);
  return found === undefined ? expected(`one of ${names.join(", ")}`) : value(found);
}

/** Of names of GraphQL fields. */
export const fieldPrefix: Parser<string> = {
  value: "name",
  parse: (text) =>
    /^[a-z][A-Za-z0-9]{0,31}$/.test(text)
      ? value(text)
      : expected("1 to 32 letters and digits such as audit, a small letter first"),
};

export const onOff: Parser<boolean> = {
  value: "on|off",
  parse: (text) => (text === "on" || text === "off" ? value(text === "on") : expected("on or off")),
};

export const host: Parser<string> = {
  value: "address",
  parse: (text) => (/^[^\s/]+$/.test(text) ? value(text) : expected("an address or host name such as 127.0.0.1")),
};

export const algorithms: Parser<readonly JwtAlgorithm[]> = {
  value: "name,...",
  parse: (text) => {
    const names = text.split(",").map((name) => name.trim());
    const algorithms = JWT_ALGORITHMS.filter((algorithm) => names.includes(algorithm));
    const known = algorithms.length === new Set(names).size;
    return known ? value(algorithms) : expected(`a list of some of ${JWT_ALGORITHMS.join(", ")}`);
  },
};

export const storeUrl: Parser<string> = {
  value: "url",
  parse: (text) =>
    parseStoreUrl(text) === undefined && pangeaUrl(text) === undefined
      ? { kind: "expected", expected: `${STORE_SPELLINGS} or ${PANGEA_SPELLING}`, got: schemeOf(text) }
      : value(text),
};

export const redisUrl: Parser<string> = {
  value: "redis-url",
  parse: (text) =>
    /^rediss?:\/\/./.test(text)
      ? value(text)
      : { kind: "expected", expected: "a URL such as redis://127.0.0.1:6379", got: schemeOf(text) },
};

/** A key name of a C2SP signed note: not empty, without blanks and plus signs. */
export const checkpointOrigin: Parser<string> = {
  value: "name",
  parse: (text) => (/^[^\s+]+$/.test(text) ? value(text) : expected("a name without blanks and plus signs")),
};

/** Web origins as browsers write them (RFC 6454 section 6.2), or `*`; none if not set. */
export const webOrigins: Parser<readonly string[]> = {
  value: "origin,...",
  parse: (text) => {
    if (text === "") return value([]);
    const origins = text.split(",").map((origin) => origin.trim());
    const areOrigins = origins.every((origin) => origin === "*" || originOf(origin) === origin);
    return areOrigins ? value(origins) : expected("a list of origins such as https://app.example.com, or *");
  },
};

function originOf(text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).origin : undefined;
}

/** IP addresses and networks of them (RFC 4632 section 3.1); none if not set. */
export const networks: Parser<readonly string[]> = {
  value: "address,...",
  parse: (text) => {
    const networks = text.split(",").flatMap((network) => network.trim() || []);
    return networks.every(isNetwork) ? value(networks) : expected("a list of addresses or networks such as 10.0.0.0/8");
  },
};

/** An http or https URL that paths can be put behind; without its trailing slash. */
export const publicUrl: Parser<string> = {
  value: "url",
  parse: (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isBase = url !== undefined && /^https?:$/.test(url.protocol) && url.search + url.hash + userOf(url) === "";
    if (isBase) return value(url.href.replace(/\/$/, ""));
    return { kind: "expected", expected: "a URL such as https://audit.example.com", got: withoutUser(text) };
  },
};

const KEY_SET = "a path, or a URL such as https://issuer.example/jwks without a password (http: this machine only)";

/**
 * A path, or the URL of keys that nobody but their issuer can replace. A password in it would be shown wherever the URL
 * is shown.
 */
export const keySetPlace: Parser<string> = {
  value: "path|url",
  parse: (text) => {
    if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return text.trim() === "" ? expected(KEY_SET) : value(text);
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
    return isSafe && userOf(url) === "" ? value(text) : { kind: "expected", expected: KEY_SET, got: withoutUser(text) };
  },
};

function userOf({ username, password }: URL): string {
  return username + password;
}

/** The part of a refused URL that may be shown. */
function withoutUser(text: string): string {
  return text.replace(/\/\/.*@/, "//");
}

const LOG = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([a-z0-9]+)(?::(\d{1,4}))?$/;
const BYTES_PER_KIB = 1_024;
export const MAX_VALUE_KIB = MAX_EVENT_BYTES / BYTES_PER_KIB;

export const logDeclarations: Parser<readonly LogDeclaration[]> = {
  value: "name:format[:KiB],...",
  parse: (text) => {
    const items = text.split(",").filter((item) => item.trim() !== "");
    const logs = items.flatMap((item) => logDeclaration(item.trim()) ?? []);
    if (logs.length === items.length) return value(logs);
    const formats = FORMAT_NAMES.join(", ");
    return expected(
      `a list of name:format or name:rfc6962:KiB, each format one of ${formats}, KiB 1 to ${MAX_VALUE_KIB}`,
    );
  },
};

const CONFIG = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([A-Za-z0-9_-]{1,128})$/;

/** Each log's configuration at the service. */
export const pangeaConfigs: Parser<ReadonlyMap<string, string>> = {
  value: "name:pci_...,...",
  parse: (text) => {
    const items = text.split(",").filter((item) => item.trim() !== "");
    const read = items.map((item) => CONFIG.exec(item.trim())).filter((found) => found !== null);
    if (read.length < items.length) return expected("a list of log:config-id");
    return value(new Map(read.map(([, log = "", id = ""]) => [log, id])));
  },
};

const SCHEMA_FILE = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):(.+)$/;

/** Where a log's schema is: in a file, or the service that keeps the log says it. */
export type SchemaPlace = { readonly kind: "file"; readonly path: string } | { readonly kind: "service" };

/** The place of each log's schema. */
export const schemaPlaces: Parser<ReadonlyMap<string, SchemaPlace>> = {
  value: "name:path,...",
  parse: (text) => {
    const items = text.split(",").filter((item) => item.trim() !== "");
    const read = items.map((item) => SCHEMA_FILE.exec(item.trim())).filter((found) => found !== null);
    if (read.length < items.length) return expected("a list of log:path");
    return value(new Map(read.map(([, log = "", place = ""]) => [log, schemaPlace(place)])));
  },
};

/** A file of that name is `./service`. */
function schemaPlace(text: string): SchemaPlace {
  return text === "service" ? { kind: "service" } : { kind: "file", path: text };
}

/** A pangea log has the limits of its protocol. */
function logDeclaration(item: string): LogDeclaration | undefined {
  const [, log, name, size] = LOG.exec(item) ?? [];
  const format: FormatName | undefined = FORMAT_NAMES.find((known) => known === name);
  if (log === undefined || format === undefined) return undefined;
  if (size === undefined) return { log, format };
  const kib = Number(size);
  const isAllowed = format === "rfc6962" && kib >= 1 && kib <= MAX_VALUE_KIB;
  return isAllowed ? { log, format, maxValueBytes: kib * BYTES_PER_KIB } : undefined;
}
