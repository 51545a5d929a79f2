import { expect, test } from "@jest/globals";
import { describeWith } from "../service.js";
import { HAS_PYTHON } from "../cli/verifiers.js";
import { fuzzResponses } from "./response-fuzz.js";

/** `AUDITQL_FUZZ_RESPONSES=100000` makes as many as a release is checked with. */
const RESPONSES = Number(process.env["AUDITQL_FUZZ_RESPONSES"] ?? "2000");
/** Another one each day, and the same all day: what failed can be looked at. */
const SEED = Number(process.env["AUDITQL_FUZZ_SEED"] ?? Math.floor(Date.now() / 86_400_000));

/** What the mutations must reach, so that agreement on them means something. */
const REACHED = [
  ...["VALID", "INVALID HASH_MISMATCH", "INVALID NOT_CANONICAL"].map((verdict) => `hash ${verdict}`),
  ...["VALID", "UNKNOWN NO_SIGNATURE", "INVALID SIGNATURE_MISMATCH"].map((verdict) => `signature ${verdict}`),
  ...[
    ...["VALID", "UNKNOWN NO_PROOF", "INVALID MALFORMED_PROOF", "INVALID INDEX_OUT_OF_RANGE"],
    ...["INVALID HASH_MISMATCH", "INVALID PROOF_LENGTH", "INVALID ROOT_MISMATCH"],
  ].map((verdict) => `membership ${verdict}`),
  ...["VALID", "UNKNOWN NO_PROOF", "INVALID MALFORMED_CHECKPOINT", "INVALID CHECKPOINT_MISMATCH"].map(
    (verdict) => `checkpoint ${verdict}`,
  ),
  ...[
    ...["VALID", "UNKNOWN NO_PROOF", "INVALID MALFORMED_PROOF", "INVALID PROOF_LENGTH"],
    ...["INVALID OLD_ROOT_MISMATCH", "INVALID NEW_ROOT_MISMATCH"],
  ].map((verdict) => `consistency ${verdict}`),
  "evidence INVALID MALFORMED_EVIDENCE",
];

describeWith("python3 and its package cryptography", HAS_PYTHON, () => {
  test(`core and the verifier in Python come to the same verdicts on ${RESPONSES} mutated responses of a gateway, seed ${SEED}`, async () => {
    const { disagreements, verdicts } = await fuzzResponses(RESPONSES, SEED);
    expect(disagreements.slice(0, 3)).toEqual([]);
    expect(REACHED.filter((verdict) => !verdicts.has(verdict))).toEqual([]);
  }, 3_600_000);
});
