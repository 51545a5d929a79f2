import { digestBytes, digestOf, parseDigest } from "./bytes.js";
import { isPlainObject } from "./json.js";
import type { MembershipText } from "./proof-text.js";
import type { ConsistencyPath, MembershipProof } from "./proof.js";
import { invalid, unknown, type Verdict } from "./verdict.js";

/** A log's tree: its size and its root as 64 hex digits. */
export interface TreeClaim {
  readonly treeSize: number;
  readonly hash: string;
}

/**
 * A membership proof as the API returns it, hashes in hex. This is the inclusion proof of RFC 9162; "membership" is the
 * Pangea protocol's word.
 */
export interface MembershipClaim {
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly leafHash: string;
  readonly rootHash: string;
  readonly path: readonly string[];
}

/** A consistency proof as the API returns it, hashes in hex. */
export interface ConsistencyClaim {
  readonly fromSize: number;
  readonly toSize: number;
  readonly fromHash: string;
  readonly toHash: string;
  readonly path: readonly string[];
}

/** A claim as a server sent it: members may be missing or have the wrong type. */
export type Unread<Claim> = { readonly [Member in keyof Claim]?: unknown };

/** An entry as a server returned it. */
export interface EntryClaim {
  readonly leafIndex: number;
  readonly hash: string;
  readonly canonical: string;
  readonly membershipProof?: MembershipClaim | null;
  /** The checkpoint of the membership proof's tree. */
  readonly checkpoint?: string | null;
}

/** A root as a server returned it. */
export interface RootClaim extends TreeClaim {
  readonly checkpoint?: string | null;
  readonly consistencyProof?: ConsistencyClaim | null;
}

/** A claim that could be read, or the verdict on one that could not. */
export type Read<T> =
  { readonly kind: "read"; readonly value: T } | { readonly kind: "unread"; readonly verdict: Verdict };

const ABSENT: Read<never> = { kind: "unread", verdict: unknown("NO_PROOF") };
const MALFORMED: Read<never> = { kind: "unread", verdict: invalid("MALFORMED_PROOF") };

/** A proof may have a `text` in place of `path`: the Pangea protocol's spelling. */
export function readMembershipProof(claim: unknown): Read<MembershipProof | MembershipText> {
  if (claim === undefined || claim === null) return ABSENT;
  if (!isPlainObject(claim)) return MALFORMED;
  const { leafIndex, treeSize, path: pathClaim, text } = claim;
  const [leafHash, rootHash, path] = [readHash(claim["leafHash"]), readHash(claim["rootHash"]), readPath(pathClaim)];
  if (typeof leafIndex !== "number" || typeof treeSize !== "number" || !leafHash || !rootHash) return MALFORMED;
  const proof = { leafIndex, treeSize, leafHash, rootHash };
  if (pathClaim === undefined && typeof text === "string") return { kind: "read", value: { ...proof, text } };
  return path ? { kind: "read", value: { ...proof, path } } : MALFORMED;
}

export function readConsistencyProof(claim: unknown): Read<ConsistencyPath> {
  if (claim === undefined || claim === null) return ABSENT;
  if (!isPlainObject(claim)) return MALFORMED;
  const { fromSize, toSize } = claim;
  const [fromHash, toHash, path] = [readHash(claim["fromHash"]), readHash(claim["toHash"]), readPath(claim["path"])];
  if (typeof fromSize !== "number" || typeof toSize !== "number" || !fromHash || !toHash || !path) return MALFORMED;
  return { kind: "read", value: { fromSize, toSize, fromHash, toHash, path } };
}

/** A membership proof as the API returns it. */
export function membershipClaim({ leafIndex, treeSize, leafHash, rootHash, path }: MembershipProof): MembershipClaim {
  return {
    ...{ leafIndex, treeSize },
    ...{ leafHash: digestOf(leafHash), rootHash: digestOf(rootHash) },
    path: path.map(digestOf),
  };
}

function readPath(value: unknown): readonly Uint8Array[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const path = value.map(readHash).filter((hash) => hash !== undefined);
  return path.length === value.length ? path : undefined;
}

function readHash(value: unknown): Uint8Array | undefined {
  const digest = typeof value === "string" ? parseDigest(value) : undefined;
  return digest && digestBytes(digest);
}
