import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { logFormat } from "../../src/core/format.js";
import {
  consistencyText,
  consistencyTextVerdict,
  hashesOfText,
  membershipText,
  membershipTextVerdict,
  placeOfText,
  rootOfText,
  rootsOfText,
  subtreePathsOfText,
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

describe("a text is read by its letters alone", () => {
  const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
  const item = (letter: string, byte: number): string => `${letter}:${byte.toString(16).padStart(2, "0").repeat(32)}`;

  test("to the leaf of every proof, of a tree of its size", () => {
    for (let size = 1; size <= 20; size++)
      for (let leafIndex = 0; leafIndex < size; leafIndex++) {
        const text = membershipText(tree.membership(leafIndex, size));
        expect(placeOfText(text, size)).toEqual({ leafIndex, hotItems: 0 });
        const below = [item("l", 1), item("r", 2), ...(text === "" ? [] : [text])].join(",");
        expect(placeOfText(below, size)).toEqual({ leafIndex, hotItems: 2 });
        const { leafHash, rootHash, path } = tree.membership(leafIndex, size);
        expect(rootOfText(tree.format, leafHash, text)).toEqual(rootHash);
        expect(hashesOfText(text)).toEqual(path);
      }
  });

  test.each([
    ["an empty tree", "", 0],
    ["half a leaf", "", 0.5],
    ["a tree that is deeper", item("l", 1), 4],
    ["a tree of two, of none", "", 2],
  ])("to no leaf of %s", (_, text, size) => {
    expect(placeOfText(text, size)).toBeUndefined();
  });

  test.each(["x", item("x", 1), `${item("l", 1)},`, `,${item("l", 1)}`, item("l", 1).slice(0, -1), item("L", 1)])(
    "to no root where an item is malformed: %s",
    (text) => {
      expect(rootOfText(tree.format, hash(0), text)).toBeUndefined();
      expect(hashesOfText(text)).toBeUndefined();
    },
  );

  test("no further than two trees are deep", () => {
    const long = (items: number): string => Array<string>(items).fill(item("r", 1)).join(",");
    expect(rootOfText(tree.format, hash(0), long(106))).toBeDefined();
    expect(rootOfText(tree.format, hash(0), long(107))).toBeUndefined();
  });

  test("to a leaf under which at most 53 items lie", () => {
    const hot = (items: number): string => Array<string>(items).fill(item("l", 1)).join(",");
    const claim = { leafIndex: 0, treeSize: 1, leafHash: hash(0) };
    for (const items of [1, 53]) {
      const rootHash = rootOfText(tree.format, hash(0), hot(items)) ?? hash(0);
      expect(membershipTextVerdict(tree.format, { ...claim, rootHash, text: hot(items) })).toEqual({ kind: "VALID" });
      const strict = logFormat("rfc6962");
      const other = rootOfText(strict, hash(0), hot(items)) ?? hash(0);
      const refused = membershipTextVerdict(strict, { ...claim, rootHash: other, text: hot(items) });
      expect(refused).toEqual({ kind: "INVALID", reason: "MALFORMED_PROOF" });
    }
    const rootHash = rootOfText(tree.format, hash(0), hot(54)) ?? hash(0);
    const refused = membershipTextVerdict(tree.format, { ...claim, rootHash, text: hot(54) });
    expect(refused).toEqual({ kind: "INVALID", reason: "MALFORMED_PROOF" });
  });

  test("to both roots of every consistency text", () => {
    for (let toSize = 2; toSize <= 20; toSize++)
      for (let fromSize = 1; fromSize < toSize; fromSize++) {
        const { fromHash, toHash, ...proof } = tree.consistency(fromSize, toSize);
        const text = consistencyText(proof);
        expect(rootsOfText(tree.format, text)).toEqual({ from: fromHash, to: toHash });
        expect(subtreePathsOfText({ fromSize, toSize, text })).toEqual(proof.subtreePaths);
        const other = text.with(-1, `${text.at(-1) ?? ""},${item("r", 1)}`);
        expect(rootsOfText(tree.format, other)?.to).not.toEqual(toHash);
        if (text.length > 1) expect(rootsOfText(tree.format, other)).toBeUndefined();
      }
  });

  test("to no roots where a line is malformed, or there are more lines than a tree is deep", () => {
    expect(rootsOfText(tree.format, [])).toBeUndefined();
    for (const line of ["", item("l", 1), `${item("x", 1)},`, `${item("x", 1)},${item("x", 1)}`])
      expect(rootsOfText(tree.format, [line])).toBeUndefined();
    const lines = (count: number): readonly string[] => Array<string>(count).fill(item("x", 1));
    expect(rootsOfText(tree.format, lines(53))).toBeDefined();
    expect(rootsOfText(tree.format, lines(54))).toBeUndefined();
    expect(subtreePathsOfText({ fromSize: 3, toSize: 2, text: [] })).toEqual([]);
    expect(subtreePathsOfText({ fromSize: 3, toSize: 2, text: lines(1) })).toBeUndefined();
  });
});
