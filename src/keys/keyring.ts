import { hkdfSync, randomBytes } from "node:crypto";

/** What a deployment's one secret stands for. Gateways with the same key file can read each other's tokens. */
export interface Keyring {
  /** 32-byte Ed25519 seed: signs checkpoints. It is the key file's own, so that `openssl pkey -pubout` shows its public key. */
  readonly checkpointSeed: Uint8Array;
  /** 32-byte Ed25519 seed: signs events logged with `sign: true`. */
  readonly eventSeed: Uint8Array;
  /** 32 bytes: authenticates result ids, cursors and what is kept in caches. */
  readonly tokenSecret: Uint8Array;
}

const SEED_BYTES = 32;

/** The keys that follow from a deployment's seed, by HKDF-SHA256 (RFC 5869) with a label each. Throws a RangeError unless it has 32 bytes. */
export function keyringOfSeed(seed: Uint8Array): Keyring {
  if (seed.length !== SEED_BYTES) throw new RangeError(`a seed has ${SEED_BYTES} bytes, got ${seed.length}`);
  return {
    checkpointSeed: seed,
    eventSeed: derived(seed, "auditql event signing v1"),
    tokenSecret: derived(seed, "auditql tokens v1"),
  };
}

/** A keyring that dies with the process: for logs in memory. */
export function ephemeralKeyring(): Keyring {
  return keyringOfSeed(new Uint8Array(randomBytes(SEED_BYTES)));
}

/** 32 bytes that follow from a seed, other ones for each label. */
export function derived(seed: Uint8Array, label: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", seed, new Uint8Array(), label, SEED_BYTES));
}
