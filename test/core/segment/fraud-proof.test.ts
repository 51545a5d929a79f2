import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { noteSigner, signCheckpoint } from "../../../src/core/checkpoint.js";
import { logFormat } from "../../../src/core/format.js";
import { ByteWriter } from "../../../src/core/segment/byte-writer.js";
import { fraudProof, verifyFraudProof, type FraudVerdict } from "../../../src/core/segment/fraud-proof.js";
import { signIndexCheckpoint } from "../../../src/core/segment/index-log.js";
import { writeLeaves } from "../../../src/core/segment/proof-document.js";
import { publicKeyPem } from "../../../src/core/signature.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { describeWith } from "../../service.js";
import { ORIGIN, PUBLIC_KEY, SEED } from "../../vectors/document.js";
import { accused, caught, caughtRecord, hiding, type Accused } from "./lying-index.js";
import { IndexedLog, leavesOf } from "./provable-log.js";

const HAS_CRYPTOGRAPHY = spawnSync("python3", ["-B", "-c", "import cryptography"]).status === 0;
const SEED_OF_TESTS = 20_261_129;
const INDEXED = 17;

let log: IndexedLog;
let pangea: IndexedLog;

beforeAll(() => {
  log = new IndexedLog(256 * INDEXED + 3);
  pangea = new IndexedLog(256 * 2, logFormat("pangea", nodeSha256));
});

const verdict = ({ roots, proof }: Accused): string => told(verifyFraudProof(roots, proof));

function told(found: FraudVerdict): string {
  return found.kind === "FRAUD" ? `FRAUD ${found.wrong}` : `INVALID ${found.reason}`;
}

/** A document of any parts. */
function written(
  { level, number }: { readonly level: number; readonly number: number },
  bases: readonly number[],
  leaves: readonly number[],
): Accused {
  const writer = new ByteWriter();
  writer.byte(1);
  writer.varint(level);
  writer.varint(number);
  writeLeaves(writer, leavesOf(log.index(INDEXED), bases));
  writeLeaves(writer, leavesOf(log.log, leaves));
  return { roots: log.roots(INDEXED), proof: writer.copy() };
}

const range = (start: number, end: number): number[] => Array.from({ length: end - start }, (_, i) => start + i);

/** What is judged, and what comes of it. */
const CASES: readonly (readonly [name: string, judged: () => Accused, verdict: string])[] = [
  [
    "a base that hides an entry",
    () => caught(log, INDEXED, hiding(log, { level: 0, number: 3 }, 800)),
    "FRAUD SEGMENT",
  ],
  [
    "a segment of level 1 that hides an entry",
    () => caught(log, INDEXED, hiding(log, { level: 1, number: 0 }, 9)),
    "FRAUD SEGMENT",
  ],
  [
    "a base of a log of the other format",
    () => caught(pangea, 2, hiding(pangea, { level: 0, number: 1 }, 300)),
    "FRAUD SEGMENT",
  ],
  [
    "a base with a block more",
    () => {
      const honest = log.segment({ level: 0, number: 3 });
      return caught(log, INDEXED, { ...honest, blocks: [...honest.blocks, new Uint8Array(1)] });
    },
    "FRAUD SEGMENT",
  ],
  ["a record that is none", () => caughtRecord(log, INDEXED, 3), "FRAUD RECORD"],
  ["a right base", () => accused(log, INDEXED, { level: 0, number: 3 }), "INVALID AS_SIGNED"],
  ["the first base", () => accused(log, INDEXED, { level: 0, number: 0 }), "INVALID AS_SIGNED"],
  ["a right segment of level 1", () => accused(log, INDEXED, { level: 1, number: 0 }), "INVALID AS_SIGNED"],
  ["a right base of the other format", () => accused(pangea, 2, { level: 0, number: 1 }), "INVALID AS_SIGNED"],
  [
    "the record of another base",
    () => written({ level: 0, number: 3 }, [4], range(768, 1_024)),
    "INVALID RECORD_MISMATCH",
  ],
  ["two records", () => written({ level: 0, number: 3 }, [3, 4], range(768, 1_024)), "INVALID RECORD_MISMATCH"],
  ["no record", () => written({ level: 0, number: 3 }, [], range(768, 1_024)), "INVALID RECORD_MISMATCH"],
  ["an entry too few", () => written({ level: 0, number: 3 }, [3], range(768, 1_023)), "INVALID ENTRY_MISMATCH"],
  ["an entry too many", () => written({ level: 0, number: 3 }, [3], range(768, 1_025)), "INVALID ENTRY_MISMATCH"],
  ["other entries", () => written({ level: 0, number: 3 }, [3], range(769, 1_025)), "INVALID ENTRY_MISMATCH"],
  ["no entries", () => written({ level: 0, number: 3 }, [3], []), "INVALID ENTRY_MISMATCH"],
  ["a record that is not signed yet", () => written({ level: 0, number: 17 }, [3], []), "INVALID RANGE_MISMATCH"],
  [
    "a segment of level 1 that is not due yet",
    () => ({ ...accused(log, INDEXED, { level: 1, number: 0 }), roots: log.roots(16) }),
    "INVALID RANGE_MISMATCH",
  ],
  [
    "entries that the log does not have yet",
    () => ({ ...accused(log, INDEXED, { level: 0, number: 3 }), roots: log.roots(INDEXED, 1_023) }),
    "INVALID RANGE_MISMATCH",
  ],
  ["a segment of level 2", () => written({ level: 2, number: 0 }, [3], []), "INVALID MALFORMED_PROOF"],
  [
    "another log",
    () => ({ ...accused(log, INDEXED, { level: 0, number: 1 }), roots: pangea.roots(2) }),
    "INVALID RECORD_MISMATCH",
  ],
  [
    "entries of another log",
    () => {
      const { proof, roots } = accused(log, INDEXED, { level: 0, number: 1 });
      return { proof, roots: { ...roots, log: { ...roots.log, rootHash: pangea.log.root } } };
    },
    "INVALID ENTRY_MISMATCH",
  ],
];

describe("a proof of fraud", () => {
  test.each(CASES)("against %s comes to its verdict", (_, judged, wanted) => {
    expect(verdict(judged())).toBe(wanted);
  });

  test("cannot be made of a segment that is merged", () => {
    expect(() => fraudProof(log.log, log.index(INDEXED), { level: 2, number: 0 })).toThrow(RangeError);
  });

  test(`of an honest log is never accepted, whatever bytes are changed, and nothing throws (seed ${SEED_OF_TESTS})`, () => {
    const honest = accused(log, INDEXED, { level: 0, number: 3 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        fc.nat(200),
        (changes, cut) => {
          const proof = Uint8Array.from(honest.proof);
          for (const [at, byte] of changes) proof[at % (cut % 2 === 0 ? 40 : proof.length)] = byte;
          expect(verifyFraudProof(honest.roots, proof.subarray(0, proof.length - Math.max(0, cut - 190))).kind).toBe(
            "NOT_PROVEN",
          );
        },
      ),
      { numRuns: 150, seed: SEED_OF_TESTS },
    );
  });
});

describeWith("python3 and its package cryptography", HAS_CRYPTOGRAPHY, () => {
  test("Python comes to the same verdict on proofs of fraud, and makes the segments of core", () => {
    const documents = CASES.map(([, judged]) => documentOf(judged()));
    const program = `
import json, sys
sys.path.insert(0, "verifiers/python")
import auditql_fraud as f
def verdict(document):
    checkpoints = document["checkpoint"], document["indexCheckpoint"]
    return f.check_fraud(f.v.read_log(document), checkpoints, f.v.strict_base64(document["proof"]))
print(json.dumps([verdict(document) for document in f.v.parse_json(sys.stdin.read())]))`;
    const { status, stdout, stderr } = spawnSync("python3", ["-B", "-c", program], {
      ...{ input: JSON.stringify(documents), encoding: "utf8", maxBuffer: 2 ** 26 },
    });
    expect([status, stderr]).toEqual([0, ""]);
    const verdicts = JSON.parse(stdout) as readonly string[];
    expect(CASES.map(([name], i) => `${name}: ${verdicts[i] ?? ""}`)).toEqual(
      CASES.map(([name, , wanted]) => `${name}: ${wanted}`),
    );
  });
});

function documentOf({ roots, proof }: Accused): object {
  const key = noteSigner(ORIGIN, SEED, nodeEd25519());
  return {
    ...{ format: roots.format.name, origin: ORIGIN, publicKey: publicKeyPem(PUBLIC_KEY) },
    checkpoint: signCheckpoint({ ...roots.log, origin: ORIGIN }, key),
    indexCheckpoint: signIndexCheckpoint(roots.index, key),
    proof: Buffer.from(proof).toString("base64"),
  };
}
