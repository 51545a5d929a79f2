import { createHmac, timingSafeEqual } from "node:crypto";

/** What a token is for; a token of one kind is never accepted as another. */
export type TokenKind = "result" | "cursor" | "download";

/** What a client's token turned out to be. `altered` also stands for one made under another key. */
export type OpenedToken =
  | { readonly kind: "opened"; readonly payload: Buffer }
  | { readonly kind: "rejected"; readonly reason: "malformed" | "altered" };

/** A token that did not open, in the words of an error. */
export const REJECTED_TOKEN = {
  malformed: "text that is no token of this service",
  altered: "an altered token, or one made under another key",
} as const;

/** Half of an HMAC-SHA256 is enough to make guessing hopeless (RFC 2104 section 5). */
const MAC_BYTES = 16;
const VERSION = 1;
const TOKEN_TEXT = /^[A-Za-z0-9_-]+$/;
const MAX_TOKEN_CHARACTERS = 65_536;

/** Makes and opens tokens that clients carry for us: base64url of version byte, payload, MAC. Not secret, but authentic. */
export class TokenSealer {
  constructor(private readonly secret: Uint8Array) {}

  seal(kind: TokenKind, payload: Uint8Array): string {
    const head = Buffer.concat([Uint8Array.of(VERSION), payload]);
    return Buffer.concat([head, this.mac(kind, head)]).toString("base64url");
  }

  /** Reads a token. Whoever holds a token can change it at will: nothing of it is looked at before its MAC. */
  open(kind: TokenKind, token: string): OpenedToken {
    const bytes = decode(token);
    if (bytes === undefined) return { kind: "rejected", reason: "malformed" };
    const head = bytes.subarray(0, -MAC_BYTES);
    const genuine = timingSafeEqual(this.mac(kind, head), bytes.subarray(-MAC_BYTES));
    return genuine ? { kind: "opened", payload: head.subarray(1) } : { kind: "rejected", reason: "altered" };
  }

  private mac(kind: TokenKind, head: Uint8Array): Buffer {
    return createHmac("sha256", this.secret).update(`${kind}\n`).update(head).digest().subarray(0, MAC_BYTES);
  }
}

/** The bytes of a token in its one spelling: base64url decoders skip what they do not know, so it is encoded again and compared. */
function decode(token: string): Buffer | undefined {
  if (token.length > MAX_TOKEN_CHARACTERS || !TOKEN_TEXT.test(token)) return undefined;
  const bytes = Buffer.from(token, "base64url");
  const readable = bytes.length > MAC_BYTES && bytes[0] === VERSION && bytes.toString("base64url") === token;
  return readable ? bytes : undefined;
}
