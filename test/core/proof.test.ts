import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { FORMAT_NAMES, logFormat } from "../../src/core/format.js";
import {
  consistencyRanges,
  consistencyVerdict,
  membershipRanges,
  membershipVerdict,
  subtreePathsVerdict,
  subtreeRanges,
  type ConsistencyProof,
  type MembershipProof,
} from "../../src/core/proof.js";
import { NaiveTree } from "./naive-tree.js";
import { leafInTree, LEAVES, ProofTree, treeInTree } from "./proof-tree.js";

/** A change that turns a hash into another one. */
const flipBit = fc.tuple(fc.nat(31), fc.nat(7)).map(([at, bit]) => (hash: Uint8Array): Uint8Array => {
  const flipped = hash.slice();
  flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
  return flipped;
});

describe.each(FORMAT_NAMES)("a membership proof of a %s log", (name) => {
  const tree = new ProofTree(logFormat(name));
  const verdict = (proof: MembershipProof): string => membershipVerdict(tree.format, proof).kind;

  test("is the path of RFC 9162 and verifies, for every leaf of every tree up to 70", () => {
    const naive = new NaiveTree(name, LEAVES);
    for (let size = 1; size <= 70; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const proof = tree.membership(index, size);
        expect(proof.path).toEqual(naive.membershipPath(index, size));
        expect(verdict(proof)).toBe("VALID");
      }
    }
  });

  test("verifies for no other index", () => {
    fc.assert(
      fc.property(leafInTree, fc.nat(140), ([index, size], leafIndex) => {
        const proof = { ...tree.membership(index, size), leafIndex };
        expect(verdict(proof) === "VALID").toBe(leafIndex === index);
      }),
    );
  });

  // A root alone does not tell its size (leaf 0 has one path to a given root, whether the tree has 5 leaves or 6 are
  // claimed): what binds them is the checkpoint, so a false size comes with that size's own root.
  test("verifies for no other size", () => {
    fc.assert(
      fc.property(leafInTree, leafInTree, ([index, size], [leafIndex, treeSize]) => {
        const proof = { ...tree.membership(index, size), leafIndex, treeSize, rootHash: tree.root(treeSize) };
        expect(verdict(proof) === "VALID").toBe(leafIndex === index && treeSize === size);
      }),
    );
  });

  test("verifies for no other leaf, root or path", () => {
    fc.assert(
      fc.property(leafInTree, flipBit, fc.nat(), ([index, size], flip, at) => {
        const proof = tree.membership(index, size);
        const path = proof.path.map((hash, i) => (i === at % proof.path.length ? flip(hash) : hash));
        expect(verdict({ ...proof, leafHash: flip(proof.leafHash) })).toBe("INVALID");
        expect(verdict({ ...proof, rootHash: flip(proof.rootHash) })).toBe("INVALID");
        if (path.length > 0) expect(verdict({ ...proof, path })).toBe("INVALID");
      }),
    );
  });

  test("verifies with no hash more, less, cut or swapped", () => {
    fc.assert(
      fc.property(leafInTree, fc.nat(), ([index, size], at) => {
        const { path, ...rest } = tree.membership(index, size);
        const cut = at % (path.length + 1);
        expect(verdict({ ...rest, path: path.toSpliced(cut, 0, rest.rootHash) })).toBe("INVALID");
        if (cut === path.length) return;
        expect(verdict({ ...rest, path: path.toSpliced(cut, 1) })).toBe("INVALID");
        expect(verdict({ ...rest, path: path.map((hash, i) => (i === cut ? hash.slice(1) : hash)) })).toBe("INVALID");
        if (path.length > 1) expect(verdict({ ...rest, path: path.toReversed() })).toBe("INVALID");
      }),
    );
  });

  test.each([
    ["a negative index", -1, 7],
    ["a fractional index", 0.5, 7],
    ["NaN", NaN, 7],
    ["an index that is the size", 7, 7],
    ["an empty tree", 0, 0],
    ["a size beyond 2^53 - 1", 1, 2 ** 53],
    ["an infinite size", 1, Infinity],
  ])("is refused for %s", (_, leafIndex, treeSize) => {
    const proof = { ...tree.membership(1, 7), leafIndex, treeSize };
    expect(membershipVerdict(tree.format, proof)).toEqual({ kind: "INVALID", reason: "INDEX_OUT_OF_RANGE" });
    expect(() => membershipRanges(leafIndex, treeSize)).toThrow(RangeError);
  });
});

describe.each(FORMAT_NAMES)("a consistency proof of a %s log", (name) => {
  const tree = new ProofTree(logFormat(name));
  const verdict = (proof: ConsistencyProof): string => consistencyVerdict(tree.format, proof).kind;
  const itemsVerdict = (proof: ConsistencyProof): string => subtreePathsVerdict(tree.format, proof).kind;

  test("verifies for every m <= n <= 130, and the Pangea items as well", () => {
    for (let to = 1; to <= 130; to += 1) {
      for (let from = 1; from <= to; from += 1) {
        const proof = tree.consistency(from, to);
        if (verdict(proof) !== "VALID" || itemsVerdict(proof) !== "VALID") throw new Error(`${from} → ${to} fails`);
      }
    }
  });

  test("is the path of RFC 9162 for every m <= n <= 40", () => {
    const naive = new NaiveTree(name, LEAVES);
    for (let to = 1; to <= 40; to += 1) {
      for (let from = 1; from <= to; from += 1) {
        expect(tree.consistency(from, to).path).toEqual(naive.consistencyPath(from, to));
      }
    }
  });

  test("verifies for no other sizes", () => {
    fc.assert(
      fc.property(treeInTree, treeInTree, ([from, to], [fromSize, toSize]) => {
        fc.pre(from !== to && (fromSize !== from || toSize !== to));
        const roots = { fromHash: tree.root(fromSize), toHash: tree.root(toSize) };
        const proof = { ...tree.consistency(from, to), fromSize, toSize, ...roots };
        expect(verdict(proof)).not.toBe("VALID");
        expect(itemsVerdict(proof)).not.toBe("VALID");
      }),
    );
  });

  test("verifies for no other roots, hashes or lengths", () => {
    fc.assert(
      fc.property(treeInTree, flipBit, fc.nat(), ([from, to], flip, at) => {
        const proof = tree.consistency(from, to);
        const { path } = proof;
        const cut = at % (path.length + 1);
        const changed = [
          { ...proof, fromHash: flip(proof.fromHash) },
          { ...proof, toHash: flip(proof.toHash) },
          { ...proof, path: path.toSpliced(cut, 0, proof.toHash) },
        ];
        if (cut < path.length) changed.push({ ...proof, path: path.toSpliced(cut, 1) });
        if (cut < path.length) changed.push({ ...proof, path: path.map((hash, i) => (i === cut ? flip(hash) : hash)) });
        expect(changed.map(verdict)).toEqual(changed.map(() => "INVALID"));
      }),
    );
  });

  test("verifies with no Pangea item changed, missing or doubled", () => {
    fc.assert(
      fc.property(treeInTree, flipBit, fc.nat(), ([from, to], flip, at) => {
        fc.pre(from < to);
        const proof = tree.consistency(from, to);
        const items = proof.subtreePaths;
        const chosen = at % items.length;
        const item = items[chosen];
        if (item === undefined) throw new Error("no item");
        const changed = [
          items.toSpliced(chosen, 1),
          items.toSpliced(chosen, 0, item),
          items.with(chosen, { ...item, hash: flip(item.hash) }),
          items.with(chosen, { ...item, path: item.path.map(flip) }),
          items.with(chosen, { ...item, path: item.path.slice(1) }),
        ].map((subtreePaths) => ({ ...proof, subtreePaths }));
        expect(changed.map(itemsVerdict)).toEqual(changed.map(() => "INVALID"));
      }),
    );
  });

  test("whose Pangea items have paths or hashes of another length is INVALID for that reason", () => {
    const proof = tree.consistency(3, 7);
    for (const [chosen, item] of proof.subtreePaths.entries()) {
      const changed = [
        { ...item, path: [...item.path, proof.toHash] },
        { ...item, path: item.path.slice(1) },
        { ...item, hash: item.hash.slice(1) },
      ];
      for (const other of changed) {
        const subtreePaths = proof.subtreePaths.with(chosen, other);
        const verdict = subtreePathsVerdict(tree.format, { ...proof, subtreePaths });
        expect(verdict).toEqual({ kind: "INVALID", reason: "PROOF_LENGTH" });
      }
    }
  });

  test("from an empty tree proves nothing", () => {
    const proof = {
      ...tree.consistency(1, 7),
      fromSize: 0,
      fromHash: tree.format.emptyRoot,
      path: [],
      subtreePaths: [],
    };
    expect(consistencyVerdict(tree.format, proof)).toEqual({ kind: "UNKNOWN", reason: "EMPTY_TREE" });
    expect(subtreePathsVerdict(tree.format, proof)).toEqual({ kind: "UNKNOWN", reason: "EMPTY_TREE" });
  });

  test.each([
    ["an old tree larger than the new", 8, 7],
    ["a negative size", -1, 7],
    ["a fractional size", 1.5, 7],
    ["a size beyond 2^53 - 1", 3, 2 ** 53],
  ])("is refused for %s", (_, fromSize, toSize) => {
    const proof = { ...tree.consistency(3, 7), fromSize, toSize };
    expect(consistencyVerdict(tree.format, proof)).toEqual({ kind: "INVALID", reason: "INDEX_OUT_OF_RANGE" });
    expect(() => consistencyRanges(fromSize, toSize)).toThrow(RangeError);
    expect(() => subtreeRanges(fromSize, toSize)).toThrow(RangeError);
  });
});

describe("the ranges of a path", () => {
  test("lie side by side and, with the leaf, make up the whole tree, up to the largest", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const [leafIndex, treeSize] = [Math.min(a, b), Math.max(a, b, 1)];
        fc.pre(leafIndex < treeSize);
        let { start, end } = { start: leafIndex, end: leafIndex + 1 };
        for (const range of membershipRanges(leafIndex, treeSize)) {
          expect(range.end === start || range.start === end).toBe(true);
          [start, end] = [Math.min(start, range.start), Math.max(end, range.end)];
        }
        expect([start, end]).toEqual([0, treeSize]);
      }),
    );
  });

  test("are at most 53 for the largest tree", () => {
    expect(membershipRanges(0, Number.MAX_SAFE_INTEGER).length).toBe(53);
    expect(membershipRanges(Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER).length).toBe(52);
  });
});
