import type { Principal } from "../audit/principal.js";
import { isPlainObject } from "../core/json.js";
import { secretMatches, type ApiKey } from "./api-key.js";
import { refused, unexpired, type CredentialOutcome } from "./credential.js";
import { isName, isScope, readRestriction, type Grant } from "./grant.js";

/** An API key as the key file stores it: everything except the secret. Times are RFC 3339. */
export interface StoredKey extends Grant {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the secret, 64 hex digits. */
  readonly secretHash: string;
  readonly createdAt: string;
  readonly expiresAt?: string;
  readonly revokedAt?: string;
}

/** Compared when the id is unknown, so that response times do not reveal ids. No secret hashes to it. */
const NO_HASH = Buffer.alloc(32);

/** The prefix of a key's principal id; the key's own id follows. */
export const PRINCIPAL_PREFIX = "api-key:";

/** The keys that a gateway knows at one time. */
export class KeySet {
  private readonly byId: ReadonlyMap<string, StoredKey>;

  constructor(readonly keys: readonly StoredKey[]) {
    this.byId = new Map(keys.map((key) => [key.id, key]));
  }

  /**
   * Identifies the holder of a key, at a time in milliseconds since the epoch. Unknown ids and revoked keys are
   * `wrong`.
   */
  identify({ id, secret }: ApiKey, nowMs: number): CredentialOutcome {
    const stored = this.byId.get(id);
    const matches = secretMatches(secret, stored === undefined ? NO_HASH : Buffer.from(stored.secretHash, "hex"));
    if (stored === undefined || !matches || stored.revokedAt !== undefined) return refused("wrong");
    return unexpired(principalOf(stored), nowMs);
  }

  /** The state of a key that was accepted before, by its principal's id. A revoked or removed key is `wrong`. */
  standing(principalId: string, nowMs: number): CredentialOutcome {
    const stored = principalId.startsWith(PRINCIPAL_PREFIX)
      ? this.byId.get(principalId.slice(PRINCIPAL_PREFIX.length))
      : undefined;
    if (stored === undefined || stored.revokedAt !== undefined) return refused("wrong");
    return unexpired(principalOf(stored), nowMs);
  }
}

function principalOf({ id, scopes, tenant, restriction, expiresAt }: StoredKey): Principal {
  return {
    id: PRINCIPAL_PREFIX + id,
    kind: "api-key",
    scopes: new Set(scopes),
    ...(tenant !== undefined && { tenant }),
    ...(restriction !== undefined && { restriction }),
    ...(expiresAt !== undefined && { expiresAtMs: Date.parse(expiresAt) }),
  };
}

/** The key file's text: JSON that people can read and compare. */
export function keySetText(keys: readonly StoredKey[]): string {
  return `${JSON.stringify({ version: 1, keys }, undefined, 2)}\n`;
}

/**
 * Parses a key file's text. Throws an Error naming the first bad place: a file understood only in part lets no one in.
 */
export function parseKeySet(text: string): KeySet {
  const file: unknown = JSON.parse(text);
  if (!isPlainObject(file) || file["version"] !== 1 || !Array.isArray(file["keys"])) {
    throw new Error('not a key file: expected {"version": 1, "keys": […]}');
  }
  const keys = file["keys"].map((key: unknown, at) => storedKey(key, `keys[${at}]`));
  if (new Set(keys.map((key) => key.id)).size !== keys.length) throw new Error("two keys have the same id");
  return new KeySet(keys);
}

type Check = readonly [name: keyof StoredKey, expected: string, holds: (value: unknown) => boolean];

const isTime = (value: unknown): boolean => typeof value === "string" && !Number.isNaN(Date.parse(value));
const unless = (holds: (value: unknown) => boolean) => (value: unknown) => value === undefined || holds(value);

const CHECKS: readonly Check[] = [
  ["id", "12 hex digits", (value) => isMatch(value, /^[0-9a-f]{12}$/)],
  ["name", "text", (value) => typeof value === "string"],
  ["secretHash", "64 hex digits", (value) => isMatch(value, /^[0-9a-f]{64}$/)],
  ["scopes", "a list of scopes", (value) => Array.isArray(value) && value.every(isScope)],
  ["tenant", "text of 1 to 128 characters", unless(isName)],
  ["restriction", "a list of values per field", unless((value) => readRestriction(value) !== undefined)],
  ["createdAt", "an RFC 3339 time", isTime],
  ["expiresAt", "an RFC 3339 time", unless(isTime)],
  ["revokedAt", "an RFC 3339 time", unless(isTime)],
];

function storedKey(value: unknown, path: string): StoredKey {
  const problem = isPlainObject(value) ? firstProblem(value) : ": expected an object";
  if (!isStoredKey(value, problem)) throw new Error(path + (problem ?? ""));
  return value;
}

/** An unknown member may be a limit of a newer version, so it is refused too. */
function firstProblem(key: Readonly<Record<string, unknown>>): string | undefined {
  const bad = CHECKS.find(([name, , holds]) => !holds(key[name]));
  if (bad !== undefined) return `.${bad[0]}: expected ${bad[1]}`;
  const unknown = Object.keys(key).find((member) => !CHECKS.some(([name]) => name === member));
  return unknown === undefined ? undefined : `.${unknown}: not a member of a key`;
}

function isStoredKey(value: unknown, problem: string | undefined): value is StoredKey {
  return isPlainObject(value) && problem === undefined;
}

function isMatch(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}
