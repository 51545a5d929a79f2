import { describe, expect, test } from "@jest/globals";
import { digestOf } from "../../src/core/bytes.js";
import { VALID } from "../../src/core/verdict.js";
import { LogKey } from "../../src/keys/log-key.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";

const key = new LogKey("audit.example/log", new Uint8Array(32).fill(1), nodeEd25519());
const other = new LogKey("audit.example/log", new Uint8Array(32).fill(2), nodeEd25519());
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
