import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Frontier } from "../../../src/backends/pangea/frontier.js";
import { digestOf } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { membershipVerdict } from "../../../src/core/proof.js";
import { VALID } from "../../../src/core/verdict.js";
import { LEAVES, ProofTree } from "../../core/proof-tree.js";

const format = logFormat("pangea");
const tree = new ProofTree(format);

/** Behind the last leaf of the tree of a size. */
function frontierAt(size: number): Frontier {
  const frontier = Frontier.behind(format, tree.membership(size - 1, size));
  if (frontier === undefined) throw new Error(`there is no frontier of ${size}`);
  return frontier;
}

describe("the frontier of a tree", () => {
  test("has the tree's root, from the proof of its last leaf alone", () => {
    for (let size = 1; size <= 70; size++) {
      const { size: known, root } = frontierAt(size);
      expect([known, digestOf(root)]).toEqual([size, digestOf(tree.root(size))]);
    }
  });

  test("grows by leaves into the larger tree's, however they come, and proves each of the last", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(sizes, (counts) => {
        const [first = 1, ...added] = counts;
        let frontier = frontierAt(first);
        for (const count of added) {
          const { size } = frontier;
          frontier = frontier.with(LEAVES.slice(size, size + count));
          const grown = frontier;
          expect(digestOf(grown.root)).toBe(digestOf(tree.root(size + count)));
          for (let leafIndex = size; leafIndex < size + count; leafIndex++) {
            const leafHash = LEAVES[leafIndex] ?? grown.root;
            const proof = { leafIndex, treeSize: grown.size, leafHash, rootHash: grown.root };
            expect(membershipVerdict(format, { ...proof, path: grown.path(leafIndex) })).toEqual(VALID);
          }
        }
      }),
    );
  });

  test("is not known from another leaf, nor from a path of another length", () => {
    expect(Frontier.behind(format, tree.membership(5, 7))).toBeUndefined();
    const last = tree.membership(6, 7);
    expect(Frontier.behind(format, { ...last, path: last.path.slice(1) })).toBeUndefined();
  });

  test("proves no leaf from before", () => {
    expect(() => frontierAt(7).path(2)).toThrow("the node 0/3 is behind the frontier");
  });
});
