import { digestOf, utf8, base64 } from "../../src/core/bytes.js";
import { noteSigner, signCheckpoint } from "../../src/core/checkpoint.js";
import type { EntryClaim, RootClaim } from "../../src/core/claim.js";
import type { Envelope } from "../../src/core/event.js";
import { logFormat, type FormatName, type LogFormat } from "../../src/core/format.js";
import { consistencyRanges, membershipRanges } from "../../src/core/proof.js";
import { nobleEd25519, publicKeyPem, publicKeyText } from "../../src/core/signature.js";
import { treeRoot, type LeafRange } from "../../src/core/tree.js";

/** What a verifier is given: the log as known from elsewhere, and what a server answered. */
export interface Document {
  readonly format: FormatName;
  readonly origin: string;
  readonly publicKey: string;
  readonly entries: readonly EntryClaim[];
  readonly roots: readonly RootClaim[];
}

export const ORIGIN = "vectors.example/log";
/** RFC 8032 section 7.1, test 1. */
export const SEED = Uint8Array.from(
  Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex"),
);
export const PUBLIC_KEY = nobleEd25519.publicKey(SEED);

/** A log of a few entries that proves whatever is asked of it: entry i says `event i`, and odd ones are signed. */
export class VectorLog {
  readonly format: LogFormat;
  readonly texts: readonly string[];
  readonly leafHashes: readonly Uint8Array[];

  constructor(format: FormatName, messages: readonly string[] = Array.from({ length: 9 }, (_, i) => `event ${i}`)) {
    this.format = logFormat(format);
    this.texts = messages.map((message, i) => this.format.canonicalText(this.envelope(message, i)));
    this.leafHashes = this.texts.map((text) => this.format.leafHash(utf8(text)));
  }

  /** The hash of a range of leaves, hexadecimal. */
  hash(start: number, end: number): string {
    return digestOf(treeRoot(this.format, this.leafHashes.slice(start, end)));
  }

  entry(leafIndex: number, treeSize: number): EntryClaim {
    const hash = this.hash(leafIndex, leafIndex + 1);
    const rootHash = this.hash(0, treeSize);
    const path = this.hashes(membershipRanges(leafIndex, treeSize));
    const membershipProof = { leafIndex, treeSize, leafHash: hash, rootHash, path };
    return { leafIndex, hash, canonical: this.texts[leafIndex] ?? "", membershipProof };
  }

  root(treeSize: number): RootClaim {
    return { treeSize, hash: this.hash(0, treeSize), checkpoint: this.checkpoint(treeSize) };
  }

  rootSince(fromSize: number, toSize: number): RootClaim {
    const [fromHash, toHash] = [this.hash(0, fromSize), this.hash(0, toSize)];
    const path = this.hashes(consistencyRanges(fromSize, toSize));
    return { ...this.root(toSize), consistencyProof: { fromSize, toSize, fromHash, toHash, path } };
  }

  checkpoint(treeSize: number): string {
    const rootHash = treeRoot(this.format, this.leafHashes.slice(0, treeSize));
    return signCheckpoint({ origin: ORIGIN, treeSize, rootHash }, noteSigner(ORIGIN, SEED, nobleEd25519));
  }

  document(entries: readonly EntryClaim[], roots: readonly RootClaim[]): Document {
    return { format: this.format.name, origin: ORIGIN, publicKey: publicKeyPem(PUBLIC_KEY), entries, roots };
  }

  private envelope(message: string, i: number): Envelope {
    const event = { message, actor: "alice" };
    const received_at = `2026-01-01T00:00:0${i % 10}.000000Z`;
    if (i % 2 === 0) return { event, received_at };
    const signature = base64(nobleEd25519.sign(utf8(this.format.signedText(event)), SEED));
    return { event, received_at, signature, public_key: publicKeyText(PUBLIC_KEY) };
  }

  private hashes(ranges: readonly LeafRange[]): readonly string[] {
    return ranges.map(({ start, end }) => this.hash(start, end));
  }
}

/** A note with any body, rightly signed: what a careless log could publish. */
export function signedNote(body: string): string {
  const keyId = Buffer.from(noteLine(new VectorLog("rfc6962").checkpoint(1)), "base64").subarray(0, 4);
  const signature = nobleEd25519.sign(utf8(body), SEED);
  return `${body}\n— ${ORIGIN} ${base64(new Uint8Array([...keyId, ...signature]))}\n`;
}

function noteLine(checkpoint: string): string {
  return checkpoint.trimEnd().split(" ").at(-1) ?? "";
}
