import { spawnSync } from "node:child_process";
import { expect, test } from "@jest/globals";
import { describeWith } from "../service.js";
import { fuzzVerifiers } from "./verifier-fuzz.js";

const HAS_CRYPTOGRAPHY = spawnSync("python3", ["-B", "-c", "import cryptography"]).status === 0;
const DOCUMENTS = 3_000;

/** What the mutations must reach, so that agreement on them means something. */
const REACHED = [
  ...["VALID", "INVALID HASH_MISMATCH", "INVALID NOT_CANONICAL"].map((verdict) => `hash ${verdict}`),
  ...[
    ...["VALID", "UNKNOWN NO_SIGNATURE", "INVALID INCOMPLETE_SIGNATURE", "INVALID MALFORMED_SIGNATURE"],
    ...["INVALID MALFORMED_PUBLIC_KEY", "INVALID SIGNATURE_MISMATCH"],
  ].map((verdict) => `signature ${verdict}`),
  ...[
    ...["VALID", "UNKNOWN NO_PROOF", "INVALID MALFORMED_PROOF", "INVALID INDEX_OUT_OF_RANGE"],
    ...["INVALID HASH_MISMATCH", "INVALID PROOF_LENGTH", "INVALID ROOT_MISMATCH"],
  ].map((verdict) => `membership ${verdict}`),
  ...[
    ...["VALID", "UNKNOWN NO_PROOF", "INVALID MALFORMED_CHECKPOINT", "INVALID UNKNOWN_KEY"],
    ...["INVALID SIGNATURE_MISMATCH", "INVALID CHECKPOINT_MISMATCH"],
  ].map((verdict) => `checkpoint ${verdict}`),
  ...[
    ...["VALID", "UNKNOWN NO_PROOF", "UNKNOWN EMPTY_TREE", "INVALID MALFORMED_PROOF", "INVALID INDEX_OUT_OF_RANGE"],
    ...["INVALID PROOF_LENGTH", "INVALID OLD_ROOT_MISMATCH", "INVALID NEW_ROOT_MISMATCH"],
  ].map((verdict) => `consistency ${verdict}`),
  "unusable",
];

describeWith("python3 and its package cryptography", HAS_CRYPTOGRAPHY, () => {
  test("core and the verifier in Python come to the same verdicts and reasons on mutated documents", async () => {
    const { disagreements, verdicts } = await fuzzVerifiers(DOCUMENTS, 1);
    expect(disagreements.slice(0, 3)).toEqual([]);
    expect(REACHED.filter((verdict) => !verdicts.has(verdict))).toEqual([]);
  }, 600_000);
});
