import { expect, test } from "@jest/globals";
import { proofCache } from "../../../src/engine/search/base-segments.js";

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
