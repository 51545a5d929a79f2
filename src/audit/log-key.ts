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
import type { Ed25519 } from "../core/signature.js";
import { invalid, VALID, type Verdict } from "../core/verdict.js";

/** Signs and checks the checkpoints of one log. The log's origin is the deployment's, a slash, and the log's id. */
export class LogKey {
  readonly #signer: NoteSigner;
  readonly #verifier: NoteVerifier;
  /** The key as C2SP tools take it: `origin+keyid+base64`. */
  readonly verifierKey: string;

  /** Throws a TypeError on an origin that cannot stand in a signed note. */
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
  }

  sign(treeSize: number, rootHash: Uint8Array): string {
    return signCheckpoint({ origin: this.origin, treeSize, rootHash }, this.#signer);
  }

  open(checkpoint: string): OpenedCheckpoint {
    return openCheckpoint(checkpoint, this.#verifier);
  }

  /** Whether a checkpoint is this key's statement of a tree. */
  verdict(checkpoint: string, tree: { readonly treeSize: number; readonly hash: Digest }): Verdict {
    const opened = this.open(checkpoint);
    if (opened.kind === "rejected") return invalid(opened.reason);
    const isSame = opened.treeSize === tree.treeSize && digestOf(opened.rootHash) === tree.hash;
    return isSame ? VALID : invalid("CHECKPOINT_MISMATCH");
  }
}
