import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { HASH_BYTES } from "../../src/core/bytes.js";
import { FORMAT_NAMES, logFormat, withKnownNodes } from "../../src/core/format.js";

/** Hashes that often are equal, share a slot, or differ in one byte only. */
const hash = fc
  .tuple(fc.nat({ max: 2 }), fc.nat({ max: HASH_BYTES - 1 }), fc.nat({ max: 2 }))
  .map(([filling, place, byte]) => new Uint8Array(HASH_BYTES).fill(filling).fill(byte, place, place + 1));

describe.each(FORMAT_NAMES)("known nodes of the format %s", (name) => {
  const plain = logFormat(name);

  test("are what the format hashes, in whatever order they are asked", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(hash, hash), { maxLength: 60 }), (pairs) => {
        const known = withKnownNodes(plain);
        for (const [left, right] of pairs) expect(known.nodeHash(left, right)).toEqual(plain.nodeHash(left, right));
      }),
    );
  });

  test("are hashed once while they are remembered", () => {
    let hashed = 0;
    const counting = { ...plain, nodeHash: (...pair: [Uint8Array, Uint8Array]) => (hashed++, plain.nodeHash(...pair)) };
    const known = withKnownNodes(counting);
    const leaves = Array.from({ length: 3 }, (_, at) => new Uint8Array(HASH_BYTES).fill(at * 7));
    for (let turn = 0; turn < 3; turn++) {
      for (const left of leaves) for (const right of leaves) known.nodeHash(left, right);
    }
    expect(hashed).toBe(leaves.length ** 2);
  });

  test("do not change with what becomes of the children", () => {
    const known = withKnownNodes(plain);
    const [left, right] = [new Uint8Array(HASH_BYTES), new Uint8Array(HASH_BYTES)];
    const node = known.nodeHash(left, right);
    left.fill(3);
    expect(known.nodeHash(left, right)).toEqual(plain.nodeHash(left, right));
    expect(known.nodeHash(new Uint8Array(HASH_BYTES), right)).toEqual(node);
  });

  test.each([31, 33])("are refused for a child of %d bytes, as the format refuses it", (bytes) => {
    const known = withKnownNodes(plain);
    const [whole, other] = [new Uint8Array(HASH_BYTES), new Uint8Array(bytes)];
    known.nodeHash(whole, whole);
    expect(() => known.nodeHash(whole, other)).toThrow(RangeError);
    expect(() => known.nodeHash(other, whole)).toThrow(RangeError);
  });
});
