import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { membershipClaim } from "../../src/core/claim.js";
import { FORMAT_NAMES, logFormat } from "../../src/core/format.js";
import { treePath } from "../../viewer/tree-path.js";
import { leafInTree, ProofTree } from "../core/proof-tree.js";

const OTHER = "ab".repeat(32);

describe.each(FORMAT_NAMES)("the drawn path of a proof in a log of the format %s", (name) => {
  const tree = new ProofTree(logFormat(name));
  const proofOf = (leafIndex: number, treeSize: number) => membershipClaim(tree.membership(leafIndex, treeSize));

  test("begins at the leaf, has a step for each hash, and ends at the root", () => {
    fc.assert(
      fc.property(leafInTree, ([leafIndex, treeSize]) => {
        const proof = proofOf(leafIndex, treeSize);
        const steps = treePath(tree.format, proof);
        expect(steps[0]?.hash).toBe(proof.leafHash);
        expect(steps.map(({ sibling }) => sibling?.hash)).toEqual([...proof.path, undefined]);
        expect(steps.at(-1)?.hash).toBe(proof.rootHash);
      }),
    );
  });

  test("ends elsewhere with any other hash", () => {
    fc.assert(
      fc.property(leafInTree, fc.nat(7), ([leafIndex, treeSize], place) => {
        const proof = proofOf(leafIndex, treeSize);
        fc.pre(place < proof.path.length);
        const path = proof.path.map((hash, at) => (at === place ? OTHER : hash));
        expect(treePath(tree.format, { ...proof, path }).at(-1)?.hash).not.toBe(proof.rootHash);
      }),
    );
  });

  test("ends early at what cannot be read, or does not belong there", () => {
    const proof = proofOf(5, 8);
    expect(treePath(tree.format, { ...proof, path: ["no hash", ...proof.path] })).toHaveLength(1);
    expect(treePath(tree.format, { ...proof, path: [...proof.path, OTHER, OTHER] })).toHaveLength(
      proof.path.length + 1,
    );
  });
});
