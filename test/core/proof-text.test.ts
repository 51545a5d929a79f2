import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { logFormat } from "../../src/core/format.js";
import {
  consistencyText,
  consistencyTextVerdict,
  membershipText,
  membershipTextVerdict,
} from "../../src/core/proof-text.js";
import { leafInTree, ProofTree, treeInTree } from "./proof-tree.js";

const tree = new ProofTree(logFormat("pangea"));

describe("a membership text", () => {
  test("of every proof verifies, and no other text does", () => {
    fc.assert(
      fc.property(leafInTree, fc.string(), ([index, size], other) => {
        const proof = tree.membership(index, size);
        const text = membershipText(proof);
        expect(membershipTextVerdict(tree.format, { ...proof, text }).kind).toBe("VALID");
        fc.pre(other !== text);
        expect(membershipTextVerdict(tree.format, { ...proof, text: other }).kind).toBe("INVALID");
      }),
    );
  });

  test("is empty in a tree of one leaf", () => {
    const proof = tree.membership(0, 1);
    expect(membershipText(proof)).toBe("");
    expect(membershipTextVerdict(tree.format, { ...proof, text: "" }).kind).toBe("VALID");
  });

  const proof = tree.membership(4, 7);
  const text = membershipText(proof);
  test.each([
    ["a side turned round", text.replace("r:", "l:"), "MALFORMED_PROOF"],
    ["upper case", text.toUpperCase(), "MALFORMED_PROOF"],
    ["a blank", text.replace(",", ", "), "MALFORMED_PROOF"],
    ["a trailing comma", `${text},`, "MALFORMED_PROOF"],
    ["one item less", text.slice(0, text.lastIndexOf(",")), "PROOF_LENGTH"],
    ["no item", "", "PROOF_LENGTH"],
    [
      "two items swapped",
      text
        .split(",")
        .toSpliced(0, 2, ...text.split(",").slice(0, 2).reverse())
        .join(","),
      "ROOT_MISMATCH",
    ],
  ])("with %s is refused", (...[, changed, reason]) => {
    expect(membershipTextVerdict(tree.format, { ...proof, text: changed })).toEqual({ kind: "INVALID", reason });
  });

  test("for an index outside the tree is refused", () => {
    expect(membershipTextVerdict(tree.format, { ...proof, leafIndex: 7, text })).toEqual({
      kind: "INVALID",
      reason: "INDEX_OUT_OF_RANGE",
    });
  });

  test("is not written for a path of another length", () => {
    expect(() => membershipText({ ...proof, path: proof.path.slice(1) })).toThrow(RangeError);
  });
});

describe("a consistency text", () => {
  test("of every proof verifies, and with an item changed, doubled or missing does not", () => {
    fc.assert(
      fc.property(treeInTree, fc.nat(), fc.string(), ([fromSize, toSize], at, other) => {
        fc.pre(fromSize < toSize);
        const proof = tree.consistency(fromSize, toSize);
        const text = consistencyText(proof);
        const chosen = at % text.length;
        const verdict = (changed: readonly string[]): string =>
          consistencyTextVerdict(tree.format, { ...proof, text: changed }).kind;
        expect(verdict(text)).toBe("VALID");
        expect(verdict(text.with(chosen, other))).toBe("INVALID");
        expect(verdict(text.toSpliced(chosen, 1))).toBe("INVALID");
        expect(verdict(text.toSpliced(chosen, 0, text[chosen] ?? ""))).toBe("INVALID");
      }),
    );
  });

  test("is empty between trees of one size, and then compares their roots", () => {
    const proof = tree.consistency(5, 5);
    expect(consistencyText(proof)).toEqual([]);
    expect(consistencyTextVerdict(tree.format, { ...proof, text: [] }).kind).toBe("VALID");
    expect(consistencyTextVerdict(tree.format, { ...proof, toHash: tree.root(6), text: [] })).toEqual({
      kind: "INVALID",
      reason: "NEW_ROOT_MISMATCH",
    });
  });

  test("is not written with a subtree missing", () => {
    const proof = tree.consistency(3, 7);
    expect(() => consistencyText({ ...proof, subtreePaths: proof.subtreePaths.slice(1) })).toThrow(RangeError);
  });
});
