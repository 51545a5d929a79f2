import { expect, test } from "@jest/globals";
import { logFormat } from "../../../src/core/format.js";
import { HashTree } from "../../../src/core/segment/hash-tree.js";
import { proofCache } from "../../../src/engine/search/base-segments.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";

const MIB = 2 ** 20;
const segment = (bytes: number, number: number) => ({
  ...{ level: 0, number, directory: [], digest: new Uint8Array(), lastLeafHash: new Uint8Array(), blocks: 1 },
  contents: [new Uint8Array(bytes)],
});

test("segments are kept for proofs by their bytes, not by their number", () => {
  const { bases, merged } = proofCache();
  for (let number = 0; number < 64; number++) {
    const made = segment(MIB, number);
    bases.set(`log/${number}`, { ...made, blocks: made.contents });
    merged.set(`log/${number}`, made);
  }
  expect([bases.size, merged.size]).toEqual([31, 31]);
  const large = segment(64 * MIB, 64);
  bases.set("log/64", { ...large, blocks: large.contents });
  merged.set("log/64", large);
  expect([bases.has("log/64"), merged.has("log/64")]).toEqual([false, false]);
});

test("what is just as large as all that may be kept is kept, and so is a tree over nothing", () => {
  const { bases, merged, trees } = proofCache();
  const most = segment(32 * MIB - 1, 0);
  bases.set("log/0", { ...most, blocks: most.contents });
  merged.set("log/0", most);
  expect([bases.has("log/0"), merged.has("log/0")]).toEqual([true, true]);
  trees.set("none", new HashTree(logFormat("rfc6962", nodeSha256), []));
  expect(trees.has("none")).toBe(true);
});
