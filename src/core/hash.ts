import { sha256 } from "@noble/hashes/sha2.js";

/** SHA-256 as the caller provides it: @noble everywhere, the platform's own where it is faster. Must not keep `message`. */
export type Sha256 = (message: Uint8Array) => Uint8Array;

/** SHA-256 in plain JavaScript: the same bytes wherever there is a JavaScript engine. */
export const nobleSha256: Sha256 = (message) => sha256(message);
