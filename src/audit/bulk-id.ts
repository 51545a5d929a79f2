import { parseDigest, type Digest } from "../core/bytes.js";

/**
 * What the id of a bulk request names. `key`: an idempotency key of the caller. `digest`: in ids of an earlier version,
 * SHA-256 of owner and key, which does not say whose request it is.
 */
export type BulkName =
  | { readonly kind: "key"; readonly log: string; readonly idempotencyKey: string }
  | { readonly kind: "digest"; readonly log: string; readonly digest: Digest };

/** Longer than every valid id: a key has at most 128 characters, and a log's name is short. */
const MAX_ID_CHARACTERS = 2_048;
const OF_KEY = /^BulkRequest:key:(\[.*\])$/s;
const OF_DIGEST = /^BulkRequest:([0-9a-f]{64}):(.+)$/s;

/** The id that finds a bulk request again. */
export function bulkId(log: string, idempotencyKey: string): string {
  return spelled(`key:${JSON.stringify([log, idempotencyKey])}`);
}

/** Undefined for an id that neither `bulkId` nor an earlier version made. */
export function parseBulkId(id: string): BulkName | undefined {
  if (id.length > MAX_ID_CHARACTERS) return undefined;
  const text = Buffer.from(id, "base64url").toString();
  const name = keyIn(text) ?? digestIn(text);
  if (name === undefined) return undefined;
  const made = name.kind === "key" ? bulkId(name.log, name.idempotencyKey) : spelled(`${name.digest}:${name.log}`);
  return made === id ? name : undefined;
}

function spelled(name: string): string {
  return Buffer.from(`BulkRequest:${name}`).toString("base64url");
}

function keyIn(text: string): BulkName | undefined {
  const [, list = ""] = OF_KEY.exec(text) ?? [];
  try {
    const value: unknown = JSON.parse(list);
    const [log, idempotencyKey] = Array.isArray(value) ? (value as readonly unknown[]) : [];
    if (typeof log === "string" && typeof idempotencyKey === "string") return { kind: "key", log, idempotencyKey };
  } catch {
    // not a valid id
  }
  return undefined;
}

function digestIn(text: string): BulkName | undefined {
  const [, hex = "", log = ""] = OF_DIGEST.exec(text) ?? [];
  const digest = parseDigest(hex);
  return digest && { kind: "digest", log, digest };
}
