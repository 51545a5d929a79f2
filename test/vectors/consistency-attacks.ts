import type { ConsistencyClaim } from "../../src/core/claim.js";
import { flipped, FROM_SIZE, TREE_SIZE, withConsistency, type Attack } from "./attack.js";
import { VectorLog } from "./document.js";

/** A lie about the proof that the tree of 3 leaves, or of `sizes`, is a prefix of the tree of 7. */
interface Lie {
  readonly name: string;
  readonly about: string;
  readonly consistency: string;
  readonly sizes?: readonly [number, number];
  readonly change: (proof: ConsistencyClaim, log: VectorLog) => unknown;
}

const PATH_LIES: readonly Lie[] = [
  {
    name: "truncated-path",
    about: "The last hash is left out.",
    consistency: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: proof.path.slice(0, -1) }),
  },
  {
    name: "missing-first-hash",
    about: "The old tree's last subtree is left out.",
    consistency: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: proof.path.slice(1) }),
  },
  {
    name: "empty-path",
    about: "No path at all.",
    consistency: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: [] }),
  },
  {
    name: "extra-hash-at-end",
    about: "The new root follows the path.",
    consistency: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: [...proof.path, proof.toHash] }),
  },
  {
    name: "extra-hash-at-start",
    about: "The old root precedes the path.",
    consistency: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: [proof.fromHash, ...proof.path] }),
  },
  {
    name: "old-root-of-a-perfect-tree-in-path",
    about: "The old tree has 4 leaves: its root is known, and must not be taken from the path.",
    consistency: "INVALID PROOF_LENGTH",
    sizes: [4, TREE_SIZE],
    change: (proof) => ({ ...proof, path: [proof.fromHash, ...proof.path] }),
  },
  {
    name: "swapped-hashes",
    about: "Two hashes of the path change places.",
    consistency: "INVALID OLD_ROOT_MISMATCH",
    change: (proof) => ({ ...proof, path: proof.path.toSpliced(1, 2, ...proof.path.slice(1, 3).reverse()) }),
  },
  {
    name: "flipped-bit-of-the-old-tree",
    about: "One bit is turned in a hash that both trees hold.",
    consistency: "INVALID OLD_ROOT_MISMATCH",
    change: (proof) => ({ ...proof, path: proof.path.map((hash, i) => (i === 2 ? flipped(hash) : hash)) }),
  },
  {
    name: "flipped-bit-of-the-new-tree",
    about: "One bit is turned in a hash that only the new tree holds.",
    consistency: "INVALID NEW_ROOT_MISMATCH",
    change: (proof) => ({ ...proof, path: proof.path.map((hash, i) => (i === 3 ? flipped(hash) : hash)) }),
  },
  {
    name: "junk-in-path",
    about: "A text that is no hash stands among the hashes, which a reader may pass over.",
    consistency: "INVALID MALFORMED_PROOF",
    change: (proof) => ({ ...proof, path: proof.path.toSpliced(1, 0, "junk") }),
  },
  {
    name: "short-hash",
    about: "The hashes have 31 bytes.",
    consistency: "INVALID MALFORMED_PROOF",
    change: (proof) => ({ ...proof, path: proof.path.map((hash) => hash.slice(2)) }),
  },
];

const TREE_LIES: readonly Lie[] = [
  {
    name: "other-old-root",
    about: "The old root is that of 2 leaves.",
    consistency: "INVALID OLD_ROOT_MISMATCH",
    change: (proof, log) => ({ ...proof, fromHash: log.hash(0, 2) }),
  },
  {
    name: "other-old-root-of-a-perfect-tree",
    about: "The old tree has 4 leaves, where the path starts from the old root: the lie shows in the new one.",
    consistency: "INVALID NEW_ROOT_MISMATCH",
    sizes: [4, TREE_SIZE],
    change: (proof, log) => ({ ...proof, fromHash: log.hash(0, 3) }),
  },
  {
    name: "other-new-root",
    about: "The proof leads to another root than the one it stands beside.",
    consistency: "INVALID NEW_ROOT_MISMATCH",
    change: (proof, log) => ({ ...proof, toHash: log.hash(0, 6) }),
  },
  {
    name: "other-old-size",
    about: "The old tree is claimed to be of 2 leaves.",
    consistency: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, fromSize: 2 }),
  },
  {
    name: "other-new-size",
    about: "The proof is claimed to be for 6 leaves.",
    consistency: "INVALID NEW_ROOT_MISMATCH",
    change: (proof) => ({ ...proof, toSize: 6 }),
  },
  {
    name: "swapped-roots",
    about: "Old and new root change places.",
    consistency: "INVALID NEW_ROOT_MISMATCH",
    change: (proof) => ({ ...proof, fromHash: proof.toHash, toHash: proof.fromHash }),
  },
  {
    name: "old-tree-larger",
    about: "The old tree is claimed to be of 8 leaves.",
    consistency: "INVALID INDEX_OUT_OF_RANGE",
    change: (proof) => ({ ...proof, fromSize: 8 }),
  },
  {
    name: "negative-size",
    about: "The old tree is claimed to be of -1 leaves.",
    consistency: "INVALID INDEX_OUT_OF_RANGE",
    change: (proof) => ({ ...proof, fromSize: -1 }),
  },
  {
    name: "empty-old-tree",
    about: "The old tree has no leaves: it is a prefix of every tree, so nothing is proven.",
    consistency: "UNKNOWN EMPTY_TREE",
    change: (proof) => ({ ...proof, fromSize: 0, path: [] }),
  },
  {
    name: "same-size-other-root",
    about: "Two roots of one size: the log has shown two histories.",
    consistency: "INVALID NEW_ROOT_MISMATCH",
    sizes: [TREE_SIZE, TREE_SIZE],
    change: (proof) => ({ ...proof, fromHash: flipped(proof.fromHash) }),
  },
  {
    name: "same-size-with-a-path",
    about: "Between trees of one size there is nothing to prove with a path.",
    consistency: "INVALID PROOF_LENGTH",
    sizes: [TREE_SIZE, TREE_SIZE],
    change: (proof) => ({ ...proof, path: [proof.toHash] }),
  },
];

/** Each rewrites the log's past and proves its own new tree as well as can be; the old root is the one published before. */
const HISTORY_LIES = [
  ["changed-entry", "Entry 1 now says something else.", ["event 0", "changed", "event 2"]],
  ["removed-entry", "Entry 1 is gone, and the others moved up.", ["event 0", "event 2", "event 3"]],
  ["reordered-entries", "Entries 1 and 2 changed places.", ["event 0", "event 2", "event 1"]],
] as const;

const source = "RFC 9162 section 2.1.4.2";

export const CONSISTENCY_ATTACKS: readonly Attack[] = [
  {
    name: "consistency/none",
    about: "An honest answer, to compare the others with.",
    source,
    want: {},
    document: withConsistency((proof) => proof),
  },
  ...[...PATH_LIES, ...TREE_LIES].map(
    ({ name, about, consistency, sizes = [FROM_SIZE, TREE_SIZE] as const, change }) => ({
      name: `consistency/${name}`,
      about,
      source,
      want: { "roots[0] consistency": consistency },
      document: withConsistency(change, sizes),
    }),
  ),
  ...HISTORY_LIES.map(([name, about, past]) => ({
    name: `consistency/${name}`,
    about: `${about} The new tree is signed and proven as if it had always been so.`,
    source,
    want: { "roots[0] consistency": "INVALID OLD_ROOT_MISMATCH" },
    document: (log: VectorLog) => {
      const rewritten = new VectorLog(log.format.name, [...past, "event 4", "event 5", "event 6", "event 7"]);
      const root = rewritten.rootSince(FROM_SIZE, TREE_SIZE);
      const fromHash = log.hash(0, FROM_SIZE);
      return log.document(
        [],
        [{ ...root, consistencyProof: { ...root.consistencyProof, fromHash } as ConsistencyClaim }],
      );
    },
  })),
];
