import { digestOf, utf8 } from "../../src/core/bytes.js";
import { noteSigner, signCheckpoint, verifierKeyText } from "../../src/core/checkpoint.js";
import { logFormat } from "../../src/core/format.js";
import { consistencyRanges, membershipRanges } from "../../src/core/proof.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { treeRoot, type LeafRange } from "../../src/core/tree.js";

export const ORIGIN = "example.com/log";
export const SIZE = 5;
export const signer = noteSigner(ORIGIN, new Uint8Array(32).fill(3), nobleEd25519);
export const KEY = verifierKeyText(signer);
const format = logFormat("rfc6962");

/** A log of five entries, and what a gateway answers from it. */
export class SmallLog {
  readonly #texts: readonly string[];
  readonly #leaves: readonly Uint8Array[];

  constructor(
    message = "event",
    private readonly key = signer,
  ) {
    this.#texts = Array.from({ length: SIZE }, (_, i) =>
      format.canonicalText({ event: { message: `${message} ${i}` }, received_at: `2026-01-01T00:00:0${i}.000000Z` }),
    );
    this.#leaves = this.#texts.map((text) => format.leafHash(utf8(text)));
  }

  entry(leafIndex: number) {
    const hash = this.#hex({ start: leafIndex, end: leafIndex + 1 });
    const path = membershipRanges(leafIndex, SIZE).map((range) => this.#hex(range));
    const rootHash = this.#hex({ start: 0, end: SIZE });
    const membershipProof = { leafIndex, treeSize: SIZE, leafHash: hash, rootHash, path };
    return { leafIndex, hash, canonical: this.#texts[leafIndex] ?? "", membershipProof };
  }

  root(treeSize: number, fromSize: number) {
    const rootHash = this.#hashOf({ start: 0, end: treeSize });
    const hash = digestOf(rootHash);
    const path = consistencyRanges(fromSize, treeSize).map((range) => this.#hex(range));
    const fromHash = this.#hex({ start: 0, end: fromSize });
    return {
      ...{ treeSize, hash },
      checkpoint: signCheckpoint({ origin: this.key.name, treeSize, rootHash }, this.key),
      consistencyProof: { fromSize, toSize: treeSize, fromHash, toHash: hash, path },
    };
  }

  /** A document of entries 0 and 3. */
  get document() {
    return {
      format: "rfc6962",
      origin: this.key.name,
      publicKey: verifierKeyText(this.key),
      entries: [this.entry(0), this.entry(3)],
      roots: [this.root(SIZE, 2)],
    };
  }

  #hashOf({ start, end }: LeafRange): Uint8Array {
    return treeRoot(format, this.#leaves.slice(start, end));
  }

  #hex(range: LeafRange): string {
    return digestOf(this.#hashOf(range));
  }
}

/** The document as lines, as `auditql save` writes it. */
export function asLines({ entries, ...head }: SmallLog["document"]): string {
  const lines = [{ ...head, entries: "lines" }, ...entries, { end: entries.length }];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
