import type { EntryClaim, MembershipClaim, ConsistencyClaim, RootClaim } from "../../src/core/claim.js";
import type { Document, VectorLog } from "./document.js";

/** Expected verdicts that are not those of an honest server: `entries[0] membership` → `INVALID PROOF_LENGTH`. */
export type Wanted = Readonly<Record<string, string>>;

/** One way to lie, named after its file. Each makes one document for each log format. */
export interface Attack {
  /** Folder and file name without `.json`. */
  readonly name: string;
  /** What the liar does, and what he hopes for. */
  readonly about: string;
  /** The standard that the check follows. */
  readonly source: string;
  readonly want: Wanted;
  document(log: VectorLog): Document;
}

export const LEAF_INDEX = 2;
export const FROM_SIZE = 3;
export const TREE_SIZE = 7;

/** Leaf 2 of 7, with the proof changed; its honest path is leaf 3, the node of leaves 0 and 1, the node of leaves 4 to 6. */
export function withMembership(
  change: (proof: MembershipClaim, log: VectorLog) => unknown,
): (log: VectorLog) => Document {
  return withEntry((entry, log) => ({ ...entry, membershipProof: change(membershipProofOf(entry), log) }));
}

/** Leaf 2 of 7 with the entry itself changed. `unknown`: a liar is not bound by types. */
export function withEntry(change: (entry: EntryClaim, log: VectorLog) => unknown): (log: VectorLog) => Document {
  return (log) => log.document([change(log.entry(LEAF_INDEX, TREE_SIZE), log) as EntryClaim], [log.root(TREE_SIZE)]);
}

/** The root of 7 leaves since 3; its honest path is leaf 2, leaf 3, the node of leaves 0 and 1, the node of leaves 4 to 6. */
export function withConsistency(
  change: (proof: ConsistencyClaim, log: VectorLog) => unknown,
  [fromSize, toSize]: readonly [number, number] = [FROM_SIZE, TREE_SIZE],
): (log: VectorLog) => Document {
  return withRoot(
    (root, log) => ({ ...root, consistencyProof: change(consistencyProofOf(root), log) }),
    [fromSize, toSize],
  );
}

export function withRoot(
  change: (root: RootClaim, log: VectorLog) => unknown,
  [fromSize, toSize]: readonly [number, number] = [FROM_SIZE, TREE_SIZE],
): (log: VectorLog) => Document {
  return (log) => log.document([], [change(log.rootSince(fromSize, toSize), log) as RootClaim]);
}

/** The hash with its first bit turned. */
export function flipped(hash: string): string {
  return ((Number.parseInt(hash.slice(0, 1), 16) ^ 8) & 15).toString(16) + hash.slice(1);
}

function membershipProofOf(entry: EntryClaim): MembershipClaim {
  if (!entry.membershipProof) throw new Error("the entry has no proof");
  return entry.membershipProof;
}

function consistencyProofOf(root: RootClaim): ConsistencyClaim {
  if (!root.consistencyProof) throw new Error("the root has no proof");
  return root.consistencyProof;
}
