import { HASH_BYTES } from "../core/bytes.js";
import { nodeSha256 } from "./node-crypto.js";

const BLOCK_BYTES = 64;

/**
 * HMAC-SHA256 with one secret (RFC 2104 section 2), 32 bytes for each message, which is its parts one after the other. In two
 * hashes: a page makes one for each of its cursors, and only to set up the platform's own Hmac takes four times as long.
 */
export function hmacSha256(secret: Uint8Array): (...parts: readonly Uint8Array[]) => Uint8Array {
  const key = secret.length > BLOCK_BYTES ? nodeSha256(secret) : secret;
  const ipad = padded(key, 0x36);
  // All calls share it: hashing is synchronous.
  const outer = Buffer.concat([padded(key, 0x5c), new Uint8Array(HASH_BYTES)]);
  return (...parts) => {
    outer.set(nodeSha256(Buffer.concat([ipad, ...parts])), BLOCK_BYTES);
    return nodeSha256(outer);
  };
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES).fill(pad);
  key.forEach((byte, at) => (block[at] = byte ^ pad));
  return block;
}
