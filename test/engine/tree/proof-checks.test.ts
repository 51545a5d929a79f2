import { beforeEach, expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { consistencyRanges, consistencyVerdict, subtreePathsVerdict, subtreeRanges } from "../../../src/core/proof.js";
import { multiproofRanges } from "../../../src/core/segment/multiproof.js";
import { TreeEdge, treeRoot, type LeafRange } from "../../../src/core/tree.js";
import { VALID } from "../../../src/core/verdict.js";
import { Prover } from "../../../src/engine/tree/prover.js";
import { TileReader } from "../../../src/engine/tree/tile-reader.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";

const SIZE = 600;
const format = logFormat("rfc6962", nodeSha256);
const leaves = Array.from({ length: SIZE }, (_, leaf) => format.leafHash(utf8(String(leaf))));
const { edge } = TreeEdge.empty(format).append(leaves);
const tree = { edge, rootHash: edge.root(), checkpoint: "", lastReceivedAt: "" };
const hashOf = ({ start, end }: LeafRange): Uint8Array => treeRoot(format, leaves.slice(start, end));

/** How many hashes were asked for, each time. */
let asked: number[];
/** Those that are stored otherwise. */
let isChanged: (range: LeafRange) => boolean;
let doubted: number;
let prover: Prover;
beforeEach(() => {
  [asked, isChanged, doubted] = [[], () => false, 0];
  const source = { log: "default", store: new MemoryLogStore(), format };
  const tiles = replaced(new TileReader(source), {
    hashes: (_, ranges) => {
      asked.push(ranges.length);
      const stored = ranges.map((range) => (isChanged(range) ? hashOf(range).map((byte) => byte ^ 1) : hashOf(range)));
      return Promise.resolve(stored);
    },
    doubt: () => ((doubted += 1), Promise.resolve()),
  });
  prover = new Prover(source, tiles);
});

test("membership proofs of a size whose root is proven look up no more than their paths", async () => {
  const [proof] = await prover.membership(tree, 300, [7]);
  await prover.membership(tree, 300, [7]);
  await prover.rootHash(tree, 300);
  const ofPath = 1 + (proof?.path.length ?? 0);
  expect(asked).toEqual([ofPath + 1 + consistencyRanges(300, SIZE).length, ofPath]);
});

test("a proof of several leaves has the hashes that lead from all of them to the root, and is refused with others", async () => {
  const path = await prover.multiproof(tree, SIZE, [7, 8, 599]);
  const ranges = multiproofRanges([7, 8, 599], SIZE);
  expect(path).toEqual(ranges.map(hashOf));
  isChanged = ({ start, end }) => end - start === 2;
  await expect(prover.multiproof(tree, SIZE, [7, 8, 599])).rejects.toMatchObject({ code: "LOG_CORRUPT" });
});

test("a membership proof is refused with any other hash, and the tiles of its hashes are doubted", async () => {
  const [proof] = await prover.membership(tree, SIZE, [300]);
  for (let place = 0; place <= (proof?.path.length ?? 0); place++) {
    let next = 0;
    isChanged = () => next++ === place;
    await expect(prover.membership(tree, SIZE, [300])).rejects.toMatchObject({
      code: "LOG_CORRUPT",
      message: expect.stringMatching(/^The log default is damaged: .* its root of size 600 \(/) as unknown,
    });
    expect(doubted).toBe(place + 1);
  }
});

test("a root of an earlier size is refused with any other hash, and believed when it was proven once", async () => {
  const count = 1 + consistencyRanges(300, SIZE).length;
  for (let place = 0; place < count; place++) {
    let next = 0;
    isChanged = () => next++ === place;
    await expect(prover.rootHash(tree, 300)).rejects.toMatchObject({ code: "LOG_CORRUPT" });
  }
  isChanged = () => false;
  expect(await prover.rootHash(tree, 300)).toEqual(hashOf({ start: 0, end: 300 }));
  isChanged = () => true;
  expect(await prover.rootHash(tree, 300)).toEqual(hashOf({ start: 0, end: 300 }));
});

test.each([
  [300, 600],
  [256, 512],
  [1, 599],
  [7, 7],
])(
  "a consistency proof from %i to %i has what leads to both roots, and is refused with any other hash",
  async (from, to) => {
    const proof = await prover.consistency(tree, from, to);
    expect(consistencyVerdict(format, proof)).toEqual(VALID);
    expect(subtreePathsVerdict(format, proof)).toEqual(VALID);
    expect(proof.path).toEqual(consistencyRanges(from, to).map(hashOf));
    expect(proof.subtreePaths).toEqual(
      subtreeRanges(from, to).map(({ subtree, path }) => {
        const { start, end } = subtree;
        return { start, size: end - start, hash: hashOf(subtree), path: path.map(hashOf) };
      }),
    );
    const count = proof.path.length + proof.subtreePaths.reduce((sum, { path }) => sum + 1 + path.length, 0);
    for (let place = 0; place < count; place++) {
      let next = 0;
      isChanged = () => next++ === place;
      await expect(prover.consistency(tree, from, to)).rejects.toMatchObject({ code: "LOG_CORRUPT" });
    }
  },
);
