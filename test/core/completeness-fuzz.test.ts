import { spawnSync } from "node:child_process";
import { expect, test } from "@jest/globals";
import { describeWith } from "../service.js";
import { fuzzCompleteness } from "./completeness-fuzz.js";

const HAS_CRYPTOGRAPHY = spawnSync("python3", ["-B", "-c", "import cryptography"]).status === 0;
const DOCUMENTS = 600;

/** What the lies must reach, so that agreement on them means something. */
const REACHED = [
  "VALID",
  ...["MALFORMED_CHECKPOINT", "UNKNOWN_KEY", "SIGNATURE_MISMATCH", "MALFORMED_QUESTION", "MALFORMED_PROOF"],
  ...["RANGE_MISMATCH", "WINDOW_MISMATCH", "ENTRY_MISMATCH", "RECORD_MISMATCH", "SEGMENT_MISMATCH", "NOT_TILED"],
  ...["MALFORMED_SEGMENT", "MISSING_BLOCK", "ANSWER_MISMATCH"],
].map((reason) => (reason === "VALID" ? reason : `INVALID ${reason}`));

describeWith("python3 and its package cryptography", HAS_CRYPTOGRAPHY, () => {
  test("core and Python come to the same verdict on answers, proofs and signed segments with lies in them", async () => {
    const { disagreements, verdicts } = await fuzzCompleteness(DOCUMENTS, 1);
    expect(disagreements.slice(0, 3)).toEqual([]);
    expect(REACHED.filter((verdict) => !verdicts.has(verdict))).toEqual([]);
  }, 600_000);
});
