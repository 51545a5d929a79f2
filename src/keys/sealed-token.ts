import { timingSafeEqual } from "node:crypto";
import { HASH_BYTES } from "../core/bytes.js";
import { nodeSha256 } from "./node-crypto.js";

/** The purpose of a token; a token of one kind is never accepted as another. */
export type TokenKind = "result" | "cursor" | "download" | "stream" | "pangea-search" | "pangea-request";

/** The result of opening a client's token. `altered` also covers a token made under another key. */
export type OpenedToken =
  | { readonly kind: "opened"; readonly payload: Buffer }
  | { readonly kind: "rejected"; readonly reason: "malformed" | "altered" };

/** Why a token was refused, as errors say it. */
export const REJECTED_TOKEN = {
  malformed: "text that is not a token of this service",
  altered: "an altered token, or one made under another key",
  outdated: "a token of another version of this service",
} as const;

/** What a token carries, or as an error says it, what came in its place. */
export type OpenedContent<Content> =
  { readonly kind: "opened"; readonly content: Content } | { readonly kind: "rejected"; readonly got: string };

/** Half of an HMAC-SHA256 is enough to make guessing hopeless (RFC 2104 section 5). */
const MAC_BYTES = 16;
const VERSION = 1;
const TOKEN_TEXT = /^[A-Za-z0-9_-]+$/;
const MAX_TOKEN_CHARACTERS = 65_536;

/** Makes and opens tokens that clients carry: base64url of version byte, payload, MAC. Authentic, but not secret. */
export class TokenSealer {
  readonly #hmac: ReturnType<typeof hmacSha256>;

  constructor(secret: Uint8Array) {
    this.#hmac = hmacSha256(secret);
  }

  seal(kind: TokenKind, payload: Uint8Array): string {
    const length = 1 + payload.length;
    const token = Buffer.allocUnsafe(length + MAC_BYTES);
    token[0] = VERSION;
    token.set(payload, 1);
    token.set(this.#mac(kind, token.subarray(0, length)), length);
    return token.toString("base64url");
  }

  /** Opens a token. Its holder can change it at will, so the MAC is checked before anything else is read. */
  open(kind: TokenKind, token: string): OpenedToken {
    const bytes = decode(token);
    if (bytes === undefined) return { kind: "rejected", reason: "malformed" };
    const head = bytes.subarray(0, -MAC_BYTES);
    const genuine = timingSafeEqual(this.#mac(kind, head), bytes.subarray(-MAC_BYTES));
    return genuine ? { kind: "opened", payload: head.subarray(1) } : { kind: "rejected", reason: "altered" };
  }

  #mac(kind: TokenKind, head: Uint8Array): Uint8Array {
    return this.#hmac(Buffer.from(`${kind}\n`), head).subarray(0, MAC_BYTES);
  }
}

/** Tokens of one kind that carry JSON. Count their version up when its shape changes: others are refused, not misread. */
export class JsonTokens<Content extends object> {
  constructor(
    private readonly kind: TokenKind,
    private readonly version: number | string,
  ) {}

  seal(sealer: TokenSealer, content: Content): string {
    return sealer.seal(this.kind, Buffer.from(JSON.stringify({ version: this.version, ...content })));
  }

  open(sealer: TokenSealer, token: string): OpenedContent<Content> {
    const opened = sealer.open(this.kind, token);
    if (opened.kind === "rejected") return { kind: "rejected", got: REJECTED_TOKEN[opened.reason] };
    const content = parsed(opened.payload);
    return this.isOurs(content) ? { kind: "opened", content } : { kind: "rejected", got: REJECTED_TOKEN.outdated };
  }

  /** What opens was written by `seal`, so only its version has to be checked. */
  private isOurs(value: unknown): value is Content {
    return typeof value === "object" && value !== null && "version" in value && value.version === this.version;
  }
}

/** Undefined for what is no JSON: another store's gateway may have made a token of the same kind. */
function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

/**
 * A token's bytes. Base64url decoders skip unknown characters, so the bytes are encoded again and compared: one
 * spelling.
 */
function decode(token: string): Buffer | undefined {
  if (token.length > MAX_TOKEN_CHARACTERS || !TOKEN_TEXT.test(token)) return undefined;
  const bytes = Buffer.from(token, "base64url");
  const readable = bytes.length > MAC_BYTES && bytes[0] === VERSION && bytes.toString("base64url") === token;
  return readable ? bytes : undefined;
}

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
