import { expect, test } from "@jest/globals";
import { readConsistencyProof, readMembershipProof } from "../../src/core/claim.js";

const hash = "00".repeat(32);

/** The right members in what JSON does not make. */
class Impostor {
  readonly [member: string]: unknown;

  constructor(members: object) {
    Object.assign(this, members);
  }
}

test.each([
  ["membership", readMembershipProof, { leafIndex: 0, treeSize: 1, leafHash: hash, rootHash: hash, path: [] }],
  ["consistency", readConsistencyProof, { fromSize: 1, toSize: 1, fromHash: hash, toHash: hash, path: [] }],
] as const)("a %s proof is read from a plain object alone", (_, read, members) => {
  expect(read({ ...members }).kind).toBe("read");
  const others = [new Impostor(members), Object.assign([], members), JSON.stringify(members), 7, true];
  const malformed = { kind: "unread", verdict: { kind: "INVALID", reason: "MALFORMED_PROOF" } };
  for (const other of others) expect(read(other)).toEqual(malformed);
  for (const absent of [undefined, null]) expect(read(absent)).toMatchObject({ verdict: { reason: "NO_PROOF" } });
  for (const member of Object.keys(members)) {
    expect([member, read({ ...members, [member]: undefined })]).toEqual([member, malformed]);
    expect([member, read({ ...members, [member]: {} })]).toEqual([member, malformed]);
  }
});
