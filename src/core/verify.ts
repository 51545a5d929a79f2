import { digestOf, parseDigest, utf8, nobleSha256, type Sha256 } from "./bytes.js";
import { noteVerifier, openCheckpoint, parseVerifierKey, type NoteVerifier } from "./checkpoint.js";
import {
  type EntryClaim,
  readConsistencyProof,
  readMembershipProof,
  type RootClaim,
  type TreeClaim,
  type Unread,
} from "./claim.js";
import { logFormat, type FormatName, type LogFormat } from "./format.js";
import { membershipTextVerdict, type MembershipText } from "./proof-text.js";
import { consistencyVerdict, membershipVerdict, type ConsistencyPath, type MembershipProof } from "./proof.js";
import { nobleEd25519, parsePublicKey, signatureVerdict, type Ed25519 } from "./signature.js";
import { isTreeSize } from "./tree.js";
import { invalid, unknown, VALID, type Verdict } from "./verdict.js";

/** What the verifier knows about a log from a source other than the server being checked. */
export interface LogIdentity {
  readonly format: FormatName;
  /** The name in the log's checkpoints. */
  readonly origin: string;
  /** The log's key, in any spelling that `parsePublicKey` reads. */
  readonly publicKey: string;
}

/** The cryptography to verify with; @noble's by default. */
export interface Crypto {
  readonly sha256?: Sha256;
  readonly ed25519?: Ed25519;
}

export interface TrustedLog {
  readonly format: LogFormat;
  readonly key: NoteVerifier;
  readonly sha256: Sha256;
  readonly ed25519: Ed25519;
}

export interface EntryVerdicts {
  /** The text is an envelope in canonical form and hashes to the leaf. */
  readonly hash: Verdict;
  /** The event's author signed it. */
  readonly signature: Verdict;
  /** The leaf is at its index in the tree that the proof names. */
  readonly membership: Verdict;
  /** The log signed that tree. */
  readonly checkpoint: Verdict;
}

export interface RootVerdicts {
  /** The log signed this size and root. */
  readonly checkpoint: Verdict;
  /** The proof's older tree, or the one known beforehand, is a prefix of this one. */
  readonly consistency: Verdict;
}

/**
 * Throws a TypeError when the key is not an Ed25519 key or the origin cannot name a log: both come from the caller, not
 * a server.
 */
export function trustLog(identity: LogIdentity, crypto: Crypto = {}): TrustedLog {
  const { sha256 = nobleSha256, ed25519 = nobleEd25519 } = crypto;
  const publicKey = parsePublicKey(identity.publicKey);
  if (publicKey === undefined) throw new TypeError("the log's public key is not an Ed25519 key");
  return {
    format: logFormat(identity.format, sha256),
    key: noteVerifier(identity.origin, publicKey, ed25519),
    sha256,
    ed25519,
  };
}

/** Trusts a log by its verifier key, as the gateway prints it: `origin+keyid+base64`. Throws a TypeError when it is none. */
export function trustVerifierKey(text: string, format: FormatName, crypto: Crypto = {}): TrustedLog {
  const { sha256 = nobleSha256, ed25519 = nobleEd25519 } = crypto;
  const key = parseVerifierKey(text, ed25519);
  if (key === undefined) throw new TypeError("expected a log's verifier key, as origin+keyid+base64");
  return { format: logFormat(format, sha256), key, sha256, ed25519 };
}

/** Checks one entry. The four verdicts are independent: read all of them. Never throws, whatever the claim holds. */
export function verifyEntry(log: TrustedLog, claim: Unread<EntryClaim>): EntryVerdicts {
  const canonical = typeof claim.canonical === "string" ? claim.canonical : "";
  const envelope = log.format.parse(canonical);
  const proof = readMembershipProof(claim.membershipProof);
  return {
    hash: envelope === undefined ? invalid("NOT_CANONICAL") : hashVerdict(log.format, canonical, claim.hash),
    signature: envelope === undefined ? unknown("NOT_CANONICAL") : signatureVerdict(envelope, log.format, log.ed25519),
    membership: proof.kind === "read" ? boundMembership(log.format, proof.value, claim) : proof.verdict,
    checkpoint:
      proof.kind === "read"
        ? checkpointVerdict(log, claim.checkpoint, {
            treeSize: proof.value.treeSize,
            hash: digestOf(proof.value.rootHash),
          })
        : unknown("NO_PROOF"),
  };
}

/**
 * Checks one root. With `known`, a tree that the caller verified before, the consistency proof must start there; a root of
 * the same size needs none: it is that tree, or not. Never throws, whatever the claim holds.
 */
export function verifyRoot(log: TrustedLog, claim: Unread<RootClaim>, known?: Unread<TreeClaim>): RootVerdicts {
  const proof = readConsistencyProof(claim.consistencyProof);
  return {
    checkpoint: checkpointVerdict(log, claim.checkpoint, claim),
    consistency:
      proof.kind === "read"
        ? boundConsistency(log.format, proof.value, { claim, known })
        : unproven(claim, proof.verdict, known),
  };
}

/** Whether a checkpoint is the log's signature over exactly this tree. Without a checkpoint: UNKNOWN, NO_PROOF. */
export function checkpointVerdict(log: TrustedLog, checkpoint: unknown, tree: Unread<TreeClaim>): Verdict {
  if (checkpoint === undefined || checkpoint === null) return unknown("NO_PROOF");
  if (typeof checkpoint !== "string") return invalid("MALFORMED_CHECKPOINT");
  const opened = openCheckpoint(checkpoint, log.key);
  if (opened.kind === "rejected") return invalid(opened.reason);
  const isSame = opened.treeSize === tree.treeSize && digestOf(opened.rootHash) === tree.hash;
  return isSame ? VALID : invalid("CHECKPOINT_MISMATCH");
}

function hashVerdict(format: LogFormat, canonical: string, hash: unknown): Verdict {
  return digestOf(format.leafHash(utf8(canonical))) === hash ? VALID : invalid("HASH_MISMATCH");
}

/** A proof for another entry proves nothing about this one. */
function boundMembership(
  format: LogFormat,
  proof: MembershipProof | MembershipText,
  claim: Unread<EntryClaim>,
): Verdict {
  if (proof.leafIndex !== claim.leafIndex) return invalid("INDEX_OUT_OF_RANGE");
  if (digestOf(proof.leafHash) !== claim.hash) return invalid("HASH_MISMATCH");
  return "text" in proof ? membershipTextVerdict(format, proof) : membershipVerdict(format, proof);
}

/** Without a proof, a root of the size that the caller knows is still the same tree, or another one. */
function unproven(claim: Unread<RootClaim>, verdict: Verdict, known: Unread<TreeClaim> | undefined): Verdict {
  if (verdict.kind !== "UNKNOWN" || !isTree(known) || claim.treeSize !== known.treeSize) return verdict;
  return claim.hash === known.hash ? VALID : invalid("OLD_ROOT_MISMATCH");
}

/** Of the empty tree nothing is proven. */
function isTree(tree: Unread<TreeClaim> | undefined): tree is TreeClaim {
  const { treeSize, hash } = tree ?? {};
  const isSize = typeof treeSize === "number" && treeSize > 0 && isTreeSize(treeSize);
  return isSize && typeof hash === "string" && parseDigest(hash) !== undefined;
}

function boundConsistency(
  format: LogFormat,
  proof: ConsistencyPath,
  { claim, known }: { readonly claim: Unread<RootClaim>; readonly known: Unread<TreeClaim> | undefined },
): Verdict {
  if (proof.toSize !== claim.treeSize || digestOf(proof.toHash) !== claim.hash) return invalid("NEW_ROOT_MISMATCH");
  const isFromKnown =
    known === undefined || (proof.fromSize === known.treeSize && digestOf(proof.fromHash) === known.hash);
  return isFromKnown ? consistencyVerdict(format, proof) : invalid("OLD_ROOT_MISMATCH");
}
