import { HASH_BYTES, nobleSha256, type Sha256 } from "./bytes.js";
import { EVENT_FIELDS, takesJson, type AuditEvent, type Envelope } from "./event.js";
import { canonicalJson, isPlainObject, parseCanonicalJson, type Json, type JsonObject } from "./json.js";

export type { Sha256 } from "./bytes.js";

export const FORMAT_NAMES = ["rfc6962", "pangea"] as const;

export type FormatName = (typeof FORMAT_NAMES)[number];

/** How a log turns envelopes into bytes and bytes into hashes. Chosen when the log is created, never changed. */
export interface LogFormat {
  readonly name: FormatName;
  /** The text whose UTF-8 bytes are signed by an event's author. */
  signedText(event: AuditEvent): string;
  /** The text whose UTF-8 bytes are the leaf. */
  canonicalText(envelope: Envelope): string;
  /** Reads a canonical text, untrusted. Returns undefined when it is not canonical or not an envelope. */
  parse(canonical: string): Envelope | undefined;
  /**
   * Like `parse`, at a third of the cost: for a text whose hash was compared, which need not be checked for canonical
   * form.
   */
  read(canonical: string): Envelope | undefined;
  /** The 32-byte hash of a leaf; `canonical` is the UTF-8 of the canonical text. */
  leafHash(canonical: Uint8Array): Uint8Array;
  nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array;
  readonly emptyRoot: Uint8Array;
}

/** RFC 9162 section 2.1.1: the prefix that keeps a leaf's hash apart from a node's. */
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/** Returns the format with that name, hashing with `sha256`. */
export function logFormat(name: FormatName, sha256: Sha256 = nobleSha256): LogFormat {
  return name === "rfc6962" ? rfc6962(sha256) : pangea(sha256);
}

function rfc6962(sha256: Sha256): LogFormat {
  return {
    name: "rfc6962",
    signedText: (event) => canonicalJson({ ...event }),
    canonicalText: (envelope) => canonicalJson({ ...envelope, event: { ...envelope.event } }),
    parse: parseEnvelope,
    read: readEnvelope,
    leafHash: (canonical) => sha256(prefixed(LEAF_PREFIX, canonical)),
    nodeHash: pairHash(sha256, Uint8Array.of(NODE_PREFIX)),
    emptyRoot: sha256(new Uint8Array()),
  };
}

/** The Pangea protocol, sections 3.1 and 4.1: no prefixes, objects as canonical text. */
function pangea(sha256: Sha256): LogFormat {
  return {
    name: "pangea",
    signedText: (event) => canonicalJson(withObjectsAsText(event)),
    canonicalText: (envelope) => canonicalJson({ ...envelope, event: withObjectsAsText(envelope.event) }),
    parse: parseEnvelope,
    read: readEnvelope,
    leafHash: (canonical) => sha256(notNodeShaped(canonical)),
    nodeHash: pairHash(sha256, new Uint8Array()),
    emptyRoot: sha256(new Uint8Array()),
  };
}

function prefixed(prefix: number, bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(1 + bytes.length);
  result[0] = prefix;
  result.set(bytes, 1);
  return result;
}

/** All calls share the buffer: hashing is synchronous, and an allocation would cost up to a third of the hash. */
function pairHash(sha256: Sha256, prefix: Uint8Array): LogFormat["nodeHash"] {
  const pair = new Uint8Array(prefix.length + 2 * HASH_BYTES);
  pair.set(prefix);
  return (left, right) => {
    if (left.length !== HASH_BYTES || right.length !== HASH_BYTES)
      throw new RangeError("a node joins two hashes of 32 bytes");
    pair.set(left, prefix.length);
    pair.set(right, prefix.length + HASH_BYTES);
    return sha256(pair);
  };
}

/** Proofs of a page have some 850 nodes, many of them in common; these hold several pages' in some 700 KiB. */
const SLOTS = 4_096;
const SLOT_BYTES = 2 * HASH_BYTES;

/**
 * A format that remembers the nodes that it hashed last, 4,096 at most: proofs of neighbors, and of the same page
 * again, share nodes. It compares both children byte by byte, so it never returns anything but their hash. It returns
 * the same array each time, which callers must not change.
 */
export function withKnownNodes(format: LogFormat): LogFormat {
  const children = new Uint8Array(SLOTS * SLOT_BYTES);
  const nodes = new Array<Uint8Array | undefined>(SLOTS);
  return {
    ...format,
    nodeHash: (left, right) => {
      const slot = slotOf(left, right);
      const start = slot * SLOT_BYTES;
      const known = nodes[slot];
      if (known !== undefined && isAt(children, start, left) && isAt(children, start + HASH_BYTES, right)) return known;
      const node = format.nodeHash(left, right);
      children.set(left, start);
      children.set(right, start + HASH_BYTES);
      nodes[slot] = node;
      return node;
    },
  };
}

/** Hashes are spread evenly, so any of their bits are. */
function slotOf(left: Uint8Array, right: Uint8Array): number {
  const [l0 = 0, l1 = 0] = left;
  const [r0 = 0, r1 = 0] = right;
  return ((l0 | (l1 << 8)) ^ ((r0 << 4) | (r1 << 12))) % SLOTS;
}

function isAt(bytes: Uint8Array, start: number, hash: Uint8Array): boolean {
  for (let i = 0; i < HASH_BYTES; i++) if (bytes[start + i] !== hash[i]) return false;
  return hash.length === HASH_BYTES;
}

/** Without prefixes, a leaf of 64 bytes could be read as a node with two children. */
function notNodeShaped(canonical: Uint8Array): Uint8Array {
  if (canonical.length === 2 * HASH_BYTES) throw new RangeError("a pangea leaf must not have exactly 64 bytes");
  return canonical;
}

/** An event as the Pangea protocol has it, section 2.2. Lists, numbers and booleans, which occur only in other services' schemas, stay as they are. */
export function withObjectsAsText(event: AuditEvent): JsonObject {
  const members = Object.entries<Json>({ ...event });
  return Object.fromEntries(
    members.map(([field, value]) => [field, isPlainObject(value) ? canonicalJson(value) : value]),
  );
}

/** RFC 3339 UTC with exactly six fractional digits and `Z`: the only spelling that is hashed. */
const RECEIVED_AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/**
 * Reads the canonical text of an entry, untrusted. Returns undefined when it is not canonical JSON or not an envelope.
 * Accepts members and event fields that AuditQL does not know, because other services hash them too. Never throws.
 */
export function parseEnvelope(canonical: string): Envelope | undefined {
  const value = parseCanonicalJson(canonical);
  return isEnvelope(value) ? value : undefined;
}

/**
 * Like `parseEnvelope`, but does not check that the text is canonical, which makes it three times as fast: for readers
 * that have the entry from the log and vouch for nothing.
 */
export function readEnvelope(text: string): Envelope | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isEnvelope(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEnvelope(value: unknown): value is Envelope {
  if (!isPlainObject(value)) return false;
  const { event, received_at, signature, public_key } = value;
  return (
    isPlainObject(event) &&
    isEvent(event) &&
    isReceivedAt(received_at) &&
    isOptionalText(signature) &&
    isOptionalText(public_key)
  );
}

function isEvent(event: Readonly<Record<string, unknown>>): boolean {
  const fits = (field: (typeof EVENT_FIELDS)[number]): boolean => {
    const value = event[field];
    return isOptionalText(value) || (takesJson(field) && value !== null) || isTime(field, value);
  };
  return event["message"] !== undefined && EVENT_FIELDS.every(fits);
}

function isTime(field: string, value: unknown): boolean {
  return field === "timestamp" && typeof value === "number";
}

/** Whether a value is a time in the spelling of envelopes. */
export function isReceivedAt(value: unknown): value is string {
  return typeof value === "string" && RECEIVED_AT.test(value);
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}
