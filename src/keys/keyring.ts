import { hkdfSync, randomBytes } from "node:crypto";

/**
 * The keys that a deployment derives from its one secret. Gateways with the same key file can read each other's tokens.
 */
export interface Keyring {
  /**
   * 32-byte Ed25519 seed: signs checkpoints. It is the key file's own, so `openssl pkey -pubout` prints its public key.
   */
  readonly checkpointSeed: Uint8Array;
  /** 32-byte Ed25519 seed: signs events logged with `sign: true`. */
  readonly eventSeed: Uint8Array;
  /** 32 bytes: authenticates result ids, cursors and cached values. */
  readonly tokenSecret: Uint8Array;
  /** 32 bytes each: authenticate the segments of search indexes. The first is of the key, the others of those before it. */
  readonly indexSecrets: readonly [Uint8Array, ...Uint8Array[]];
  /** Seeds of the keys that signed the logs before, newest first: what they signed is the logs' own. */
  readonly previousSeeds: readonly Uint8Array[];
  /** Whether the newest of those signs each checkpoint too, for clients that do not know the new key yet. */
  readonly isHandingOver: boolean;
}

/** The keys before the current one. */
export type Previous = Pick<Keyring, "previousSeeds" | "isHandingOver">;

const NONE: Previous = { previousSeeds: [], isHandingOver: false };

const SEED_BYTES = 32;

/**
 * Derives a deployment's keys from its seed with HKDF-SHA256 (RFC 5869), one label per key. Throws a RangeError unless
 * the seed has 32 bytes.
 */
export function keyringOfSeed(seed: Uint8Array, previous = NONE): Keyring {
  if (seed.length !== SEED_BYTES) throw new RangeError(`a seed has ${SEED_BYTES} bytes, got ${seed.length}`);
  return {
    ...previous,
    checkpointSeed: seed,
    eventSeed: derived(seed, "auditql event signing v1"),
    tokenSecret: derived(seed, "auditql tokens v1"),
    indexSecrets: [indexSecretOf(seed), ...previous.previousSeeds.map(indexSecretOf)],
  };
}

function indexSecretOf(seed: Uint8Array): Uint8Array {
  return derived(seed, "auditql search index v1");
}

/** A keyring that lives as long as the process: for logs in memory. */
export function ephemeralKeyring(): Keyring {
  return keyringOfSeed(new Uint8Array(randomBytes(SEED_BYTES)));
}

/** Derives 32 bytes from a seed, different for each label. */
export function derived(seed: Uint8Array, label: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", seed, new Uint8Array(), label, SEED_BYTES));
}
