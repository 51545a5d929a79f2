import { nobleSha256 } from "../../src/core/bytes.js";
import { logFormat } from "../../src/core/format.js";
import type { Question } from "../../src/core/segment/answer.js";
import type { SegmentFilter } from "../../src/core/segment/filter.js";
import { readProof } from "../../src/core/segment/proof-document.js";
import { verifyAnswer } from "../../src/core/segment/verify-answer.js";
import { proveAnswer } from "../../test/core/segment/prove-answer.js";
import { figure, median } from "../machine.js";
import type { BuiltIndex } from "./built.js";

/** Proofs of each question that are not measured. */
const WARM_UP = 20;
const BAR = { kilobytes: 60, verifyMs: 20 };
const KIB = 1_024;

const phrase = (words: string, prefix = false): SegmentFilter => ({
  ...{ kind: "phrase", field: undefined, words: words.split(" "), prefix },
});
const failed: SegmentFilter = { kind: "exact", field: "status", value: "failed" };
const actor: SegmentFilter = { kind: "exact", field: "actor", value: "user77@example.com" };
const page = { kind: "page" as const, limit: 50 };
const count = { kind: "count" as const, cap: undefined };
const QUESTIONS: Readonly<Record<string, readonly [SegmentFilter, Question["wanted"]]>> = {
  "rare word": [phrase("7777"), page],
  "absent word": [phrase("nowhere"), page],
  "33 % word": [phrase("failed"), page],
  "NOT 33 %": [{ kind: "not", filter: failed }, page],
  phrase: [phrase("changed the"), page],
  "actor=value": [actor, page],
  "actor= status=": [{ kind: "and", filters: [actor, failed] }, page],
  "rare and common": [{ kind: "and", filters: [phrase("7777"), phrase("failed")] }, page],
  "phrase that is nowhere": [phrase("the changed"), page],
  prefix: [phrase("kal", true), page],
  "count of a rare word": [phrase("7777"), count],
  "count of 33 %": [failed, count],
  "count of actor= status=": [{ kind: "and", filters: [actor, failed] }, count],
};

/**
 * What a proof that a result is complete costs: blocks and kilobytes, of which the texts that are in no segment yet; milliseconds to
 * prove, and to verify with SHA-256 in JavaScript, as a browser does. Medians.
 */
export function printProofs(built: BuiltIndex, runs: number): void {
  const from = built.provable();
  const roots = {
    log: { treeSize: from.log.size, rootHash: from.log.root },
    index: { treeSize: from.index.size, rootHash: from.index.root },
    ...{ format: logFormat("rfc6962", nobleSha256), sha256: nobleSha256 },
  };
  const range = { start: 0, end: from.log.size };
  for (const [name, [filter, wanted]] of Object.entries(QUESTIONS)) {
    const window = { from: undefined, until: undefined };
    const question: Question = { filter, wanted, window, after: undefined, descending: true };
    const prove: number[] = [];
    const verify: number[] = [];
    let { answer, proof } = proveAnswer(from, question, range);
    for (let run = -WARM_UP; run < runs; run++) {
      const start = performance.now();
      ({ answer, proof } = proveAnswer(from, question, range));
      const proven = performance.now();
      const verdict = verifyAnswer(roots, question, { answer, proof });
      const verified = performance.now();
      if (verdict.kind !== "COMPLETE") throw new Error(`${name}: ${verdict.reason}`);
      if (run < 0) continue;
      prove.push(proven - start);
      verify.push(verified - proven);
    }
    const document = readProof(proof);
    const blocks = document?.segments.reduce((sum, one) => sum + one.blocks.leaves.length, 0) ?? 0;
    const tail = document?.entries.leaves.reduce((sum, { bytes }) => sum + bytes.length, 0) ?? 0;
    const kilobytes = (proof.length - tail) / KIB;
    const isReached = kilobytes <= BAR.kilobytes && median(verify) <= BAR.verifyMs;
    console.log(
      `| ${name} | ${blocks} of ${document?.segments.length ?? 0} | ${figure(kilobytes)} | ${figure(tail / KIB)} | ${figure(median(prove))} | ${figure(median(verify))} | ${name === "rare word" ? (isReached ? "reached" : "MISSED") : ""} |`,
    );
  }
}
