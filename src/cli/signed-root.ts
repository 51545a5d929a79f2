import { digestOf } from "../core/bytes.js";
import { openCheckpoint, parseVerifierKey, type NoteVerifier } from "../core/checkpoint.js";
import { isPlainObject } from "../core/json.js";
import { nobleEd25519 } from "../core/signature.js";
import type { ReasonCode } from "../core/verdict.js";
import type { Gateway } from "./api.js";
import { CommandError } from "./output.js";
import { KEY_EXPECTED } from "./trusted-keys.js";

/** The log's key that the user gave. Throws CommandError on what is none. */
export function givenKey(text: string): NoteVerifier {
  const key = parseVerifierKey(text, nobleEd25519);
  if (key === undefined) throw new CommandError(`--key: ${KEY_EXPECTED}`);
  return key;
}

/** A root as a gateway returns it, with what the log signed. */
export interface SignedRoot {
  readonly treeSize: number;
  readonly hash: string;
  readonly checkpoint: string;
}

/** Throws CommandError on an answer, or what is in a file, that is no root. */
export function rootIn(value: unknown, from: Pick<Gateway, "url"> | string): SignedRoot {
  if (isPlainObject(value)) {
    const { treeSize, hash, checkpoint } = value;
    if (typeof treeSize === "number" && typeof hash === "string" && typeof checkpoint === "string")
      return { treeSize, hash, checkpoint };
  }
  throw new CommandError(
    typeof from === "string" ? `${from} has no root that can be read` : `${from.url.href} answered without a root`,
  );
}

/** Why the key did not sign this size and hash; undefined where it did. */
export function unsignedBecause({ treeSize, hash, checkpoint }: SignedRoot, key: NoteVerifier): ReasonCode | undefined {
  const opened = openCheckpoint(checkpoint, key);
  if (opened.kind === "rejected") return opened.reason;
  const isThis = opened.treeSize === treeSize && digestOf(opened.rootHash) === hash;
  return isThis ? undefined : "CHECKPOINT_MISMATCH";
}
