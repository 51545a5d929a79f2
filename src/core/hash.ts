import { sha256 } from "@noble/hashes/sha2.js";

/**
 * SHA-256 as the caller provides it: @noble's, or the platform's own where that is faster. Must not retain `message`.
 */
export type Sha256 = (message: Uint8Array) => Uint8Array;

/** SHA-256 in plain JavaScript, for every JavaScript engine. */
export const nobleSha256: Sha256 = (message) => sha256(message);
