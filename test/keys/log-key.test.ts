import { describe, expect, test } from "@jest/globals";
import { digestOf } from "../../src/core/bytes.js";
import { VALID } from "../../src/core/verdict.js";
import { LogKey } from "../../src/keys/log-key.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";

const key = new LogKey("audit.example/log", { checkpointSeed: new Uint8Array(32).fill(1) }, nodeEd25519());
const other = new LogKey("audit.example/log", { checkpointSeed: new Uint8Array(32).fill(2) }, nodeEd25519());
const rootHash = new Uint8Array(32).fill(3);
const tree = { treeSize: 5, hash: digestOf(rootHash) };

describe("a log's key, asked whether a checkpoint is its own over a tree", () => {
  test("says yes to what it signed", () => {
    expect(key.verdict(key.sign(5, rootHash), tree)).toEqual(VALID);
  });

  test.each([
    ["of another key", other.sign(5, rootHash), "UNKNOWN_KEY"],
    ["that is no checkpoint", "checkpoint", "MALFORMED_CHECKPOINT"],
    ["over another size", key.sign(6, rootHash), "CHECKPOINT_MISMATCH"],
    ["over another root", key.sign(5, new Uint8Array(32)), "CHECKPOINT_MISMATCH"],
  ])("says no to one %s, and why", (_, checkpoint, reason) => {
    expect(key.verdict(checkpoint, tree)).toMatchObject({ reason });
  });
});

describe("a log that is handed over to a new key", () => {
  const ed25519 = nodeEd25519();
  const [oldSeed, newSeed] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(3)];
  const seeds = { checkpointSeed: newSeed, previousSeeds: [oldSeed] };
  const root = new Uint8Array(32).fill(5);
  const before = key;
  const during = new LogKey(before.origin, { ...seeds, isHandingOver: true }, ed25519);
  const after = new LogKey(before.origin, seeds, ed25519);
  const alone = new LogKey(before.origin, { checkpointSeed: newSeed }, ed25519);

  test("has checkpoints that each of its keys opens, until the new one signs alone", () => {
    const opens = (checkpoint: string) => [before, during, after, alone].map((one) => one.open(checkpoint).kind);
    expect(opens(before.sign(7, root))).toEqual(["opened", "opened", "opened", "rejected"]);
    expect(opens(during.sign(7, root))).toEqual(["opened", "opened", "opened", "opened"]);
    expect(opens(after.sign(7, root))).toEqual(["rejected", "opened", "opened", "opened"]);
    expect(after.sign(7, root)).toBe(alone.sign(7, root));
  });

  test("names its key, and those before it", () => {
    expect([during.verifierKey, during.previousKeys]).toEqual([alone.verifierKey, [before.verifierKey]]);
  });

  test("seals with the new key, and knows what the old one sealed", () => {
    const seal = (one: LogKey) => one.seal("receipt", [1, "a"]);
    expect(seal(during)).toEqual(seal(alone));
    expect(during.isSealed("receipt", [1, "a"], seal(before))).toBe(true);
    expect(during.isSealed("receipt", [2, "a"], seal(before))).toBe(false);
    expect(before.isSealed("receipt", [1, "a"], seal(during))).toBe(false);
  });

  test("has no checkpoint that holds where one of two signatures of a key is wrong", () => {
    const checkpoint = during.sign(7, root);
    const changed = checkpoint.replace("\n7\n", "\n8\n");
    for (const one of [before, during, after, alone])
      expect(one.open(changed)).toEqual({ kind: "rejected", reason: "SIGNATURE_MISMATCH" });
  });
});
