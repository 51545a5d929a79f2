import type { AuditEvent, Envelope } from "./event.js";

/** SHA-256 as the caller provides it: @noble everywhere, the platform's own where it is faster. */
export type Sha256 = (message: Uint8Array) => Uint8Array;

export const FORMAT_NAMES = ["rfc6962", "pangea"] as const;

export type FormatName = (typeof FORMAT_NAMES)[number];

/** How a log turns envelopes into bytes and bytes into hashes. Chosen when the log is created, kept for ever. */
export interface LogFormat {
  readonly name: FormatName;
  /** The text whose UTF-8 bytes are signed by an event's author. */
  signedText(event: AuditEvent): string;
  /** The text whose UTF-8 bytes are the leaf's bytes. */
  canonicalText(envelope: Envelope): string;
  /** 32 bytes of a leaf; `canonical` is the UTF-8 of the canonical text. */
  leafHash(canonical: Uint8Array): Uint8Array;
  nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array;
  readonly emptyRoot: Uint8Array;
}
