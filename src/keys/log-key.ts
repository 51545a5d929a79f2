import { createHmac, timingSafeEqual } from "node:crypto";
import { digestOf, type Digest } from "../core/bytes.js";
import {
  noteSigner,
  noteVerifier,
  openCheckpoint,
  signCheckpoint,
  verifierKeyText,
  type NoteSigner,
  type NoteVerifier,
  type OpenedCheckpoint,
} from "../core/checkpoint.js";
import { canonicalJson } from "../core/json.js";
import { signIndexCheckpoint } from "../core/segment/index-log.js";
import type { Ed25519 } from "../core/signature.js";
import { invalid, VALID, type Verdict } from "../core/verdict.js";
import { derived, type Keyring, type Previous } from "./keyring.js";

/**
 * What is stored beside a log's tree without being covered by it. A seal of one kind never passes for another kind's.
 */
export type SealedKind = "receipt";

type SealedValues = readonly (string | number)[];

/** The seeds that a log is signed with. */
export type LogSeeds = Pick<Keyring, "checkpointSeed"> & Partial<Previous>;

/**
 * Signs and checks the checkpoints of one log. The log's origin is the deployment's, a slash, and the log's id. What an
 * earlier key of the log signed or sealed is accepted; during a hand-over, the newest of those signs too.
 */
export class LogKey {
  readonly #signers: readonly NoteSigner[];
  readonly #verifiers: readonly NoteVerifier[];
  readonly #sealSecrets: readonly Uint8Array[];
  /** The key in the form of C2SP tools: `origin+keyid+base64`. */
  readonly verifierKey: string;
  /** The keys before it, newest first. */
  readonly previousKeys: readonly string[];

  /** Throws a TypeError on an origin that a signed note does not allow. */
  constructor(
    readonly origin: string,
    { checkpointSeed, previousSeeds = [], isHandingOver = false }: LogSeeds,
    ed25519: Ed25519,
  ) {
    const seeds = [checkpointSeed, ...previousSeeds];
    const signers = seeds.map((seed) => noteSigner(origin, seed, ed25519));
    this.#signers = signers.slice(0, isHandingOver ? 2 : 1);
    this.#verifiers = signers.map(({ publicKey }) => noteVerifier(origin, publicKey, ed25519));
    const [verifierKey = "", ...previousKeys] = this.#verifiers.map(verifierKeyText);
    this.verifierKey = verifierKey;
    this.previousKeys = previousKeys;
    this.#sealSecrets = seeds.map((seed) => derived(seed, "auditql store seals v1"));
  }

  sign(treeSize: number, rootHash: Uint8Array): string {
    return signCheckpoint({ origin: this.origin, treeSize, rootHash }, ...this.#signers);
  }

  /** The checkpoint of the log's index log. */
  signIndex(treeSize: number, rootHash: Uint8Array): string {
    return signIndexCheckpoint({ treeSize, rootHash }, ...this.#signers);
  }

  /** Opened by the first key that signed it. */
  open(checkpoint: string): OpenedCheckpoint {
    let opened: OpenedCheckpoint = { kind: "rejected", reason: "UNKNOWN_KEY" };
    for (const verifier of this.#verifiers) {
      opened = openCheckpoint(checkpoint, verifier);
      if (opened.kind === "opened" || opened.reason !== "UNKNOWN_KEY") return opened;
    }
    return opened;
  }

  /** 32 bytes over the values that only the key's holder can compute, for this log: HMAC-SHA256 (RFC 2104). */
  seal(kind: SealedKind, values: SealedValues): Uint8Array {
    return this.#sealed(this.#sealSecrets[0] ?? new Uint8Array(), kind, values);
  }

  isSealed(kind: SealedKind, values: SealedValues, seal: Uint8Array | undefined): boolean {
    return this.#sealSecrets.some((secret) => {
      const expected = this.#sealed(secret, kind, values);
      return seal?.length === expected.length && timingSafeEqual(seal, expected);
    });
  }

  #sealed(secret: Uint8Array, kind: SealedKind, values: SealedValues): Uint8Array {
    const text = canonicalJson([kind, this.origin, ...values]);
    return new Uint8Array(createHmac("sha256", secret).update(text).digest());
  }

  /** Whether a checkpoint is this key's signature over a tree. */
  verdict(checkpoint: string, tree: { readonly treeSize: number; readonly hash: Digest }): Verdict {
    const opened = this.open(checkpoint);
    if (opened.kind === "rejected") return invalid(opened.reason);
    const isSame = opened.treeSize === tree.treeSize && digestOf(opened.rootHash) === tree.hash;
    return isSame ? VALID : invalid("CHECKPOINT_MISMATCH");
  }
}
