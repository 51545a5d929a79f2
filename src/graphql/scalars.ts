import { GraphQLError, GraphQLScalarType, Kind } from "graphql";
import { parseBase64, digestOf, parseDigest } from "../core/bytes.js";
import { JsonLoss } from "../core/lossless-json.js";
import { nameOf } from "../core/json.js";
import { jsonLiteral } from "./json-literal.js";

interface TextRules {
  readonly check: (text: string) => boolean;
  /** Default: the value is passed on unchanged. */
  readonly serialize?: (value: unknown) => unknown;
}

/** A scalar whose texts are passed on unchanged once `check` accepts them. */
function checkedText(
  name: string,
  description: string,
  { check, serialize = (value) => value }: TextRules,
): GraphQLScalarType {
  const parse = (value: unknown): string => {
    if (typeof value === "string" && check(value)) return value;
    throw new GraphQLError(`${name} expects ${description.split(".", 1)[0] ?? description}, got ${shown(value)}`);
  };
  return new GraphQLScalarType<string, unknown>({
    name,
    description,
    serialize,
    parseValue: parse,
    parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : node.kind),
  });
}

function shown(value: unknown): string {
  if (typeof value !== "string") return typeof value === "number" ? String(value) : nameOf(value);
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}

/** The API's spelling of a hash: the only place where bytes become hexadecimal digits. */
export const DigestScalar = checkedText(
  "AuditDigest",
  "64 lowercase hexadecimal digits. A SHA-256 hash; upper case is refused, so that one hash has one spelling.",
  {
    check: (text) => parseDigest(text) !== undefined,
    serialize: (value) => (isBytes(value) ? digestOf(value) : value),
  },
);

/** Bytes; output only. */
export const Base64Scalar = checkedText(
  "AuditBase64",
  "Bytes as base64 with padding (RFC 4648, section 4). The alphabet with `+` and `/`.",
  {
    check: (text) => parseBase64(text) !== undefined,
    serialize: (value) =>
      isBytes(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") : value,
  },
);

/** A driver's bytes may be of another realm. */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value);
}

/** A point in time; output only. */
export const DateTimeScalar = checkedText(
  "DateTime",
  "An RFC 3339 time in UTC. For example `2026-01-02T03:04:05.000006Z`; times of entries have six fractional digits.",
  { check: (text) => !Number.isNaN(Date.parse(text)) },
);

/** A number beyond Int's 32 bits, up to what a JSON number holds exactly. */
function wholeNumber(name: string, meaning: string): GraphQLScalarType {
  const parse = (value: unknown): number => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw new GraphQLError(`${name} expects an integer from 0 to 9007199254740991, got ${shown(value)}`);
  };
  return new GraphQLScalarType<number, unknown>({
    name,
    description: `An integer from 0 to 9007199254740991 (2^53 − 1): ${meaning}. A plain JSON number.`,
    serialize: (value) => value,
    parseValue: parse,
    parseLiteral: (node) => parse(node.kind === Kind.INT ? Number(node.value) : node.kind),
  });
}

export const LeafIndexScalar = wholeNumber("AuditLeafIndex", "the index of an entry in its log");

export const TreeSizeScalar = wholeNumber("AuditTreeSize", "the number of entries in a tree");

/** Most JSON; the event's own check refuses what a log does not accept, and names its path. */
export const JsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: "AuditEventValue",
  description:
    "A value in an event: any JSON that can be kept as sent, returned as it was logged. Text stays text, an object stays an object. Refused are numbers that a double does not hold exactly, and a key that its object has twice.",
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node) => jsonLiteral(node),
});

function eventTime(value: unknown): unknown {
  if (typeof value === "string" || typeof value === "number" || value instanceof JsonLoss) return value;
  throw new GraphQLError(`AuditEventTime expects text or a number, got ${shown(value)}`);
}

/** The event's own check refuses a number that could not be kept exactly. */
export const EventTimeScalar = new GraphQLScalarType<unknown, unknown>({
  name: "AuditEventTime",
  description:
    "When something happened, by the application's clock: text such as an RFC 3339 time in any spelling, or a number such as seconds or milliseconds since 1970. It is kept, hashed and returned as it was given, and never read as a time; a log of the format pangea takes text alone.",
  serialize: (value) => value,
  parseValue: eventTime,
  parseLiteral: (node) => eventTime(jsonLiteral(node)),
});
