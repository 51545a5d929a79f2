import type { MembershipClaim } from "../../src/core/claim.js";
import { flipped, LEAF_INDEX, TREE_SIZE, withEntry, withMembership, type Attack } from "./attack.js";
import { VectorLog } from "./document.js";

/** A lie about the proof of leaf 2 of 7. The checkpoint's verdict is VALID unless the proof names another tree. */
interface Lie {
  readonly name: string;
  readonly about: string;
  readonly membership: string;
  readonly checkpoint?: string;
  readonly change: (proof: MembershipClaim, log: VectorLog) => unknown;
}

const PATH_LIES: readonly Lie[] = [
  {
    name: "truncated-path",
    about: "The last hash is left out.",
    membership: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: proof.path.slice(0, -1) }),
  },
  {
    name: "missing-first-hash",
    about: "The leaf's sibling is left out.",
    membership: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: proof.path.slice(1) }),
  },
  {
    name: "empty-path",
    about: "No path at all, as if the leaf were the root.",
    membership: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: [] }),
  },
  {
    name: "extra-hash-at-end",
    about: "The root itself follows the path.",
    membership: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: [...proof.path, proof.rootHash] }),
  },
  {
    name: "extra-hash-at-start",
    about: "The leaf itself precedes the path.",
    membership: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: [proof.leafHash, ...proof.path] }),
  },
  {
    name: "doubled-hash",
    about: "One hash of the path stands twice.",
    membership: "INVALID PROOF_LENGTH",
    change: (proof) => ({ ...proof, path: proof.path.flatMap((hash, i) => (i === 1 ? [hash, hash] : [hash])) }),
  },
  {
    name: "swapped-siblings",
    about: "Two hashes of the path change places.",
    membership: "INVALID ROOT_MISMATCH",
    change: (proof) => ({ ...proof, path: proof.path.toSpliced(0, 2, ...proof.path.slice(0, 2).reverse()) }),
  },
  {
    name: "reversed-path",
    about: "The path is given from the root down.",
    membership: "INVALID ROOT_MISMATCH",
    change: (proof) => ({ ...proof, path: proof.path.toReversed() }),
  },
  {
    name: "flipped-bit",
    about: "One bit of the path is turned.",
    membership: "INVALID ROOT_MISMATCH",
    change: (proof) => ({ ...proof, path: proof.path.map((hash, i) => (i === 2 ? flipped(hash) : hash)) }),
  },
  {
    name: "path-of-another-leaf",
    about: "The path is leaf 0's, of the same length.",
    membership: "INVALID ROOT_MISMATCH",
    change: (proof, log) => ({ ...proof, path: [log.hash(1, 2), log.hash(2, 4), log.hash(4, 7)] }),
  },
  {
    name: "path-of-the-other-format",
    about: "The path comes from a log of the same entries in the other format.",
    membership: "INVALID ROOT_MISMATCH",
    change: (proof, log) => ({ ...proof, path: otherFormat(log).entry(LEAF_INDEX, TREE_SIZE).membershipProof?.path }),
  },
];

const TREE_LIES: readonly Lie[] = [
  {
    name: "other-root",
    about: "The root is that of 6 leaves.",
    membership: "INVALID ROOT_MISMATCH",
    checkpoint: "INVALID CHECKPOINT_MISMATCH",
    change: (proof, log) => ({ ...proof, rootHash: log.hash(0, 6) }),
  },
  {
    name: "other-size-of-another-shape",
    about: "The tree is claimed to be of 4 leaves, which need one hash less.",
    membership: "INVALID PROOF_LENGTH",
    checkpoint: "UNKNOWN NO_PROOF",
    change: (proof) => ({ ...proof, treeSize: 4 }),
  },
  {
    name: "other-size-of-the-same-shape",
    about:
      "The tree is claimed to be of 8 leaves, where leaf 2 has a path of the same sides. The path does lead to the root: that the root is of 7 leaves is what the checkpoint says, and none is given for 8.",
    membership: "VALID",
    checkpoint: "UNKNOWN NO_PROOF",
    change: (proof) => ({ ...proof, treeSize: 8 }),
  },
  {
    name: "empty-tree",
    about: "The tree is claimed to be of no leaves.",
    membership: "INVALID INDEX_OUT_OF_RANGE",
    checkpoint: "UNKNOWN NO_PROOF",
    change: (proof) => ({ ...proof, treeSize: 0 }),
  },
  {
    name: "size-beyond-2-53",
    about: "The tree is claimed to be of 2^53 leaves, which doubles cannot tell from 2^53 + 1.",
    membership: "INVALID INDEX_OUT_OF_RANGE",
    checkpoint: "UNKNOWN NO_PROOF",
    change: (proof) => ({ ...proof, treeSize: 2 ** 53 }),
  },
];

const FORM_LIES: readonly Lie[] = [
  ...[
    ["junk-in-path", "A text that is no hash stands among the hashes, which a reader may pass over.", "junk"],
    ["null-in-path", "A null stands among the hashes, which a reader may pass over.", null],
    ["newline-after-hash", "A hash ends in a newline, which a pattern may pass over.", "00".repeat(32) + "\n"],
  ].map(([name, about, item]) => ({
    name: name as string,
    about: about as string,
    membership: "INVALID MALFORMED_PROOF",
    checkpoint: "UNKNOWN NO_PROOF",
    change: (proof: MembershipClaim) => ({ ...proof, path: proof.path.toSpliced(1, 0, item as string) }),
  })),
  {
    name: "upper-case-hash",
    about: "A hash is in upper case: one hash has one spelling.",
    membership: "INVALID MALFORMED_PROOF",
    checkpoint: "UNKNOWN NO_PROOF",
    change: (proof) => ({ ...proof, path: proof.path.map((hash) => hash.toUpperCase()) }),
  },
  {
    name: "short-hash",
    about: "A hash has 31 bytes.",
    membership: "INVALID MALFORMED_PROOF",
    checkpoint: "UNKNOWN NO_PROOF",
    change: (proof) => ({ ...proof, path: proof.path.map((hash) => hash.slice(2)) }),
  },
  {
    name: "path-that-is-no-list",
    about: "The path is one text.",
    membership: "INVALID MALFORMED_PROOF",
    checkpoint: "UNKNOWN NO_PROOF",
    change: (proof) => ({ ...proof, path: proof.path.join(",") }),
  },
  {
    name: "index-that-is-text",
    about: "The index is a text of digits.",
    membership: "INVALID MALFORMED_PROOF",
    checkpoint: "UNKNOWN NO_PROOF",
    change: (proof) => ({ ...proof, leafIndex: String(LEAF_INDEX) }),
  },
];

/** Lies in which entry and proof agree on a wrong index. */
const INDEX_LIES = [
  { name: "other-index", about: "Leaf 2 is claimed to be leaf 3.", leafIndex: 3, reason: "ROOT_MISMATCH" },
  {
    name: "other-index-of-another-shape",
    about: "Leaf 2 is claimed to be leaf 6.",
    leafIndex: 6,
    reason: "PROOF_LENGTH",
  },
  { name: "index-is-size", about: "The index is the tree's size.", leafIndex: 7, reason: "INDEX_OUT_OF_RANGE" },
  { name: "negative-index", about: "The index is -1.", leafIndex: -1, reason: "INDEX_OUT_OF_RANGE" },
  { name: "fractional-index", about: "The index is 2.5.", leafIndex: 2.5, reason: "INDEX_OUT_OF_RANGE" },
  {
    name: "index-beyond-2-53",
    about: "The index is 2^64, which 64 bits cannot tell from 0.",
    leafIndex: 2 ** 64,
    reason: "INDEX_OUT_OF_RANGE",
  },
] as const;

const source = "RFC 9162 section 2.1.3.2";

export const MEMBERSHIP_ATTACKS: readonly Attack[] = [
  {
    name: "membership/none",
    about: "An honest answer, to compare the others with.",
    source,
    want: {},
    document: withEntry((entry) => entry),
  },
  ...[...PATH_LIES, ...TREE_LIES, ...FORM_LIES].map(({ name, about, membership, checkpoint = "VALID", change }) => ({
    name: `membership/${name}`,
    about,
    source,
    want: { "entries[0] membership": membership, "entries[0] checkpoint": checkpoint },
    document: withMembership(change),
  })),
  ...INDEX_LIES.map(({ name, about, leafIndex, reason }) => ({
    name: `membership/${name}`,
    about,
    source,
    want: { "entries[0] membership": `INVALID ${reason}` },
    document: withEntry((entry) => ({
      ...entry,
      leafIndex,
      membershipProof: { ...entry.membershipProof, leafIndex },
    })),
  })),
  {
    name: "membership/proof-of-another-entry",
    about: "The proof is true, and of leaf 3.",
    source,
    want: { "entries[0] membership": "INVALID INDEX_OUT_OF_RANGE" },
    document: withEntry((entry, log) => ({ ...entry, membershipProof: log.entry(3, TREE_SIZE).membershipProof })),
  },
  {
    name: "membership/proof-of-another-leaf-at-the-index",
    about: "The proof is true, but its leaf is not this entry's hash; the entry claims that leaf's index.",
    source,
    want: { "entries[0] membership": "INVALID HASH_MISMATCH" },
    document: withEntry((entry, log) => ({
      ...entry,
      leafIndex: 3,
      membershipProof: log.entry(3, TREE_SIZE).membershipProof,
    })),
  },
  {
    name: "membership/node-as-leaf",
    about: "The node of leaves 2 and 3 is passed off as leaf 1 of a tree of half the size, its path being true.",
    source,
    want: { "entries[0] hash": "INVALID HASH_MISMATCH", "entries[0] checkpoint": "UNKNOWN NO_PROOF" },
    document: withEntry((entry, log) => {
      const node = log.hash(2, 4);
      const proof = { leafIndex: 1, treeSize: 4, leafHash: node, rootHash: log.hash(0, 7) };
      return {
        ...entry,
        leafIndex: 1,
        hash: node,
        membershipProof: { ...proof, path: [log.hash(0, 2), log.hash(4, 7)] },
      };
    }),
  },
  {
    name: "membership/last-leaf-doubled",
    about: "A tree of 7 leaves is claimed to be one of 8 whose last leaf stands twice (CVE-2012-2459 of Bitcoin).",
    source,
    want: { "entries[0] membership": "INVALID ROOT_MISMATCH", "entries[0] checkpoint": "UNKNOWN NO_PROOF" },
    document: (log) => {
      const [entry, leaf] = [log.entry(6, 7), log.hash(6, 7)];
      const path = [leaf, log.hash(4, 6), log.hash(0, 4)];
      const membershipProof = { leafIndex: 7, treeSize: 8, leafHash: leaf, rootHash: log.hash(0, 7), path };
      return log.document([{ ...entry, leafIndex: 7, membershipProof }], [log.root(TREE_SIZE)]);
    },
  },
];

function otherFormat(log: VectorLog): VectorLog {
  return new VectorLog(log.format.name === "pangea" ? "rfc6962" : "pangea");
}
