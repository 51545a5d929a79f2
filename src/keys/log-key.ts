import { createHmac, timingSafeEqual } from "node:crypto";
import { digestOf, type Digest } from "../core/bytes.js";
import {
  noteSigner,
  openCheckpoint,
  signCheckpoint,
  verifierKeyText,
  type NoteSigner,
  type NoteVerifier,
  type OpenedCheckpoint,
} from "../core/checkpoint.js";
import { canonicalJson } from "../core/json.js";
import type { Ed25519 } from "../core/signature.js";
import { invalid, VALID, type Verdict } from "../core/verdict.js";
import { derived } from "./keyring.js";

/**
 * What is stored beside a log's tree without being covered by it. A seal of one kind never passes for another kind's.
 */
export type SealedKind = "receipt";

type SealedValues = readonly (string | number)[];

/** Signs and checks the checkpoints of one log. The log's origin is the deployment's, a slash, and the log's id. */
export class LogKey {
  readonly #signer: NoteSigner;
  readonly #verifier: NoteVerifier;
  readonly #sealSecret: Uint8Array;
  /** The key in the form of C2SP tools: `origin+keyid+base64`. */
  readonly verifierKey: string;

  /** Throws a TypeError on an origin that a signed note does not allow. */
  constructor(
    readonly origin: string,
    seed: Uint8Array,
    ed25519: Ed25519,
  ) {
    this.#signer = noteSigner(origin, seed, ed25519);
    const { publicKey } = this.#signer;
    this.#verifier = {
      name: origin,
      publicKey,
      verify: (signature, message) => ed25519.verify(signature, message, publicKey),
    };
    this.verifierKey = verifierKeyText(this.#verifier);
    this.#sealSecret = derived(seed, "auditql store seals v1");
  }

  sign(treeSize: number, rootHash: Uint8Array): string {
    return signCheckpoint({ origin: this.origin, treeSize, rootHash }, this.#signer);
  }

  open(checkpoint: string): OpenedCheckpoint {
    return openCheckpoint(checkpoint, this.#verifier);
  }

  /** 32 bytes over the values that only the key's holder can compute, for this log: HMAC-SHA256 (RFC 2104). */
  seal(kind: SealedKind, values: SealedValues): Uint8Array {
    const text = canonicalJson([kind, this.origin, ...values]);
    return new Uint8Array(createHmac("sha256", this.#sealSecret).update(text).digest());
  }

  isSealed(kind: SealedKind, values: SealedValues, seal: Uint8Array | undefined): boolean {
    const expected = this.seal(kind, values);
    return seal?.length === expected.length && timingSafeEqual(seal, expected);
  }

  /** Whether a checkpoint is this key's signature over a tree. */
  verdict(checkpoint: string, tree: { readonly treeSize: number; readonly hash: Digest }): Verdict {
    const opened = this.open(checkpoint);
    if (opened.kind === "rejected") return invalid(opened.reason);
    const isSame = opened.treeSize === tree.treeSize && digestOf(opened.rootHash) === tree.hash;
    return isSame ? VALID : invalid("CHECKPOINT_MISMATCH");
  }
}
