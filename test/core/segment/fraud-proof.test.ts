import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { logFormat } from "../../../src/core/format.js";
import { canonicalJson } from "../../../src/core/json.js";
import { ByteWriter } from "../../../src/core/segment/byte-writer.js";
import { fraudProof, verifyFraudProof, type FraudVerdict } from "../../../src/core/segment/fraud-proof.js";
import { writeLeaves } from "../../../src/core/segment/proof-document.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { describeWith } from "../../service.js";
import { fraudDocument, fraudFiles, fraudVerdict } from "../../vectors/fraud.js";
import { fileText } from "../../vectors/make.js";
import { hostileEnvelope } from "../words/hostile-entries.js";
import { golden, GOLDEN_PATH, type GoldenSegment } from "./golden.js";
import { accused, caught, caughtRecord, hiding, type Accused } from "./lying-index.js";
import { IndexedLog, leavesOf, nothing } from "./provable-log.js";

const HAS_CRYPTOGRAPHY = spawnSync("python3", ["-B", "-c", "import cryptography"]).status === 0;
const SEED_OF_TESTS = 20_261_129;
const INDEXED = 17;

let log: IndexedLog;
let pangea: IndexedLog;

beforeAll(() => {
  log = new IndexedLog(256 * INDEXED + 3);
  pangea = new IndexedLog(256 * 2, logFormat("pangea", nodeSha256));
});

/** The segment that a verdict of fraud names. */
const segmentIn = ({ roots, proof }: Accused): unknown => {
  const found = verifyFraudProof(roots, proof);
  return found.kind === "FRAUD" ? found.segment : undefined;
};
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

test("a verdict of fraud names the segment", () => {
  const base = { level: 0, number: 3 };
  expect(segmentIn(caught(log, INDEXED, hiding(log, base, 800)))).toEqual(base);
  expect(segmentIn(caughtRecord(log, INDEXED, 3))).toEqual(base);
});

const FRAUD_VECTORS = "test/vectors/fraud/base.json";

test("the vectors of fraud are what the script makes, and core comes to their verdicts", () => {
  const text = readFileSync(FRAUD_VECTORS, "utf8");
  const [file = nothing()] = fraudFiles().values();
  expect(text).toBe(fileText(file));
  for (const { name, document, verdict: wanted } of file.cases)
    expect(`${name}: ${fraudVerdict(document)}`).toBe(`${name}: ${wanted}`);
});

describeWith("python3 and its package cryptography", HAS_CRYPTOGRAPHY, () => {
  test("Python comes to the same verdict on proofs of fraud", () => {
    const vectors = [...fraudFiles().values()].flatMap(({ cases }) => cases);
    const own = CASES.map(([name, judged, wanted]) => ({ name, document: fraudDocument(judged()), verdict: wanted }));
    const judged = [...vectors, ...own];
    const verdicts = inPython(
      "[f.check_fraud(f.v.read_log(d), (d['checkpoint'], d['indexCheckpoint']), f.v.strict_base64(d['proof'])) for d in input]",
      judged.map(({ document }) => document),
    ) as readonly string[];
    expect(judged.map(({ name }, i) => `${name}: ${verdicts[i] ?? ""}`)).toEqual(
      judged.map(({ name, verdict: wanted }) => `${name}: ${wanted}`),
    );
  });

  test("Python makes the golden segment, byte by byte", () => {
    const wanted = JSON.parse(readFileSync(GOLDEN_PATH, "utf8")) as GoldenSegment;
    const expression =
      "[f.v.base64.b64encode(block).decode() for block in f.build_segment(0, 0, [f.Document(text.encode(), f.c.leaf_hash(f.c.RFC6962, text.encode())) for text in input])]";
    expect(inPython(expression, wanted.entries)).toEqual(wanted.blocks);
  });

  test(`Python makes a segment of hostile entries as core does, where its Unicode has their characters (seed ${SEED_OF_TESTS})`, () => {
    const hostile = fc
      .sample(hostileEnvelope, { numRuns: 1_200, seed: SEED_OF_TESTS })
      .map((value) => canonicalJson(value));
    const known = inPython(
      "[text for text in input if isinstance(document(text), f.Document)]",
      hostile,
    ) as readonly string[];
    const sets = [known.slice(0, 256), known.slice(256, 512), known.slice(512, 768)];
    expect(sets.every((set) => set.length === 256)).toBe(true);
    const blocks = inPython(
      "[[block.hex() for block in f.build_segment(0, 0, [document(text) for text in texts])] for texts in input]",
      sets,
    );
    expect(blocks).toEqual(
      sets.map((set) => golden(set).blocks.map((block) => Buffer.from(block, "base64").toString("hex"))),
    );
  });
});

/** What an expression over `input` comes to in Python. */
function inPython(expression: string, input: unknown): unknown {
  const program = `
import json, sys
sys.path.insert(0, "verifiers/python")
import auditql_fraud as f
def document(text):
    try:
        return f.Document(text.encode(), f.c.leaf_hash(f.c.RFC6962, text.encode()))
    except f.w.UnknownCharacter:
        return None
input = f.v.parse_json(sys.stdin.read())
print(json.dumps(${expression}))`;
  const { status, stdout, stderr } = spawnSync("python3", ["-B", "-c", program], {
    ...{ input: JSON.stringify(input), encoding: "utf8", maxBuffer: 2 ** 27 },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
