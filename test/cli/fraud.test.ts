import { readFileSync } from "node:fs";
import { describe, expect, jest, test } from "@jest/globals";
import { noteVerifier, verifierKeyText } from "../../src/core/checkpoint.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";
import { describeWith } from "../service.js";
import { ORIGIN, PUBLIC_KEY } from "../vectors/document.js";
import type { FraudDocument, FraudFile } from "../vectors/fraud.js";
import { asLines, KEY, SmallLog } from "./evidence.js";
import { HAS_PYTHON, verified, verifiedByPython } from "./verifiers.js";

// Processes are waited for, which a busy machine starts slowly.
jest.setTimeout(600_000);

const LOG_KEY = verifierKeyText(noteVerifier(ORIGIN, PUBLIC_KEY, nodeEd25519()));
const { cases } = JSON.parse(readFileSync("test/vectors/fraud/base.json", "utf8")) as FraudFile;

function named(part: string): FraudDocument {
  const found = cases.find(({ name }) => name === part);
  if (found === undefined) throw new Error(`no vector ${part}`);
  return found.document;
}

const lie = named("a base in which an entry cannot be found");
const badRecord = named("a record that is none");
const honest = named("a right base");
const signed = ["accusation checkpoint VALID", "accusation indexCheckpoint VALID"];
const evidence = new SmallLog().document;

/** What is said of an accusation under the log's key: the exit code, and the lines. */
const CASES: readonly (readonly [name: string, document: unknown, code: number, lines: readonly string[]])[] = [
  ["a wrong segment", lie, 0, [...signed, "accusation fraud VALID"]],
  ["a record that is none", badRecord, 0, [...signed, "accusation fraud VALID"]],
  ["an honest segment", honest, 1, [...signed, "accusation fraud INVALID AS_SIGNED"]],
  [
    "a proof that is cut",
    { ...lie, proof: lie.proof.slice(0, -4) },
    1,
    [...signed, "accusation fraud INVALID MALFORMED_PROOF"],
  ],
  ["a proof that is null", { ...lie, proof: null }, 1, [...signed, "accusation fraud INVALID MALFORMED_PROOF"]],
  ["a proof that is no base64", { ...lie, proof: "?" }, 1, [...signed, "accusation fraud INVALID MALFORMED_PROOF"]],
  [
    "a proof of many bytes",
    { ...lie, proof: "AAAA".repeat(2.5 * 2 ** 20) },
    1,
    [...signed, "accusation fraud INVALID MALFORMED_PROOF"],
  ],
  [
    "the proof of another log",
    { ...honest, proof: lie.proof },
    1,
    [...signed, "accusation fraud INVALID RECORD_MISMATCH"],
  ],
  [
    "the log's checkpoint in place of the index's",
    { ...lie, indexCheckpoint: lie.checkpoint },
    1,
    [
      "accusation checkpoint VALID",
      "accusation indexCheckpoint INVALID UNKNOWN_KEY",
      "accusation fraud UNKNOWN NO_PROOF",
    ],
  ],
  [
    "no checkpoint",
    { ...lie, checkpoint: undefined },
    1,
    ["accusation checkpoint UNKNOWN NO_PROOF", "accusation indexCheckpoint VALID", "accusation fraud UNKNOWN NO_PROOF"],
  ],
  ["a proof that is not there", { ...lie, proof: undefined }, 2, []],
  ["a value that is larger than any proof", { ...lie, proof: "AAAA".repeat(6 * 2 ** 20) }, 2, []],
];

describe("auditql verify", () => {
  test.each(CASES)("judges %s", async (...[, document, code, lines]) => {
    const found = await verified(document, { key: LOG_KEY });
    expect([found.code, found.lines]).toEqual([code, lines]);
  });

  test("names the segment of a fraud, and says that an accusation proves nothing where it does not", async () => {
    const note = async (document: unknown): Promise<string> => (await verified(document, { key: LOG_KEY })).note;
    expect(await note(lie)).toContain("proves: this log signed a wrong index: its entries do not make the segment 0/0");
    expect(await note(badRecord)).toContain(
      "proves: this log signed a wrong index: its record is none of the segment 0/0",
    );
    expect(await note(honest)).toContain("proves: nothing");
  });

  test("believes an accusation of no log but the one whose key it is given", async () => {
    expect((await verified(lie)).code).toBe(3);
    const { code, lines } = await verified(lie, { key: KEY });
    expect([code, lines.slice(0, 2)]).toEqual([
      1,
      ["accusation checkpoint INVALID UNKNOWN_KEY", "accusation indexCheckpoint INVALID UNKNOWN_KEY"],
    ]);
  });

  test("does not let an accusation hide entries that do not hold", async () => {
    const { code, lines } = await verified({ ...evidence, proof: lie.proof }, { key: KEY });
    expect([code, lines.at(-1)]).toEqual([1, "accusation fraud UNKNOWN NO_PROOF"]);
    expect(lines.filter((line) => line.startsWith("entries"))).not.toEqual([]);
  });
});

describeWith("python3 and its package cryptography", HAS_PYTHON, () => {
  test("both verifiers come to the same lines, exit code and words on accusations", async () => {
    const texts = [
      ...CASES.map(([, document]) => JSON.stringify(document)),
      JSON.stringify({ ...evidence, proof: 5 }),
      asLines(evidence),
    ];
    const judged = texts.flatMap((text) => [
      { text, args: ["--key", LOG_KEY], options: { key: LOG_KEY } },
      { text, args: ["--key", KEY], options: { key: KEY } },
      { text, args: [], options: {} },
    ]);
    const python = await verifiedByPython(judged);
    for (const [i, { text, options }] of judged.entries()) {
      const node = await verified(text, options);
      expect([i, python[i]?.code, python[i]?.lines]).toEqual([i, node.code, node.lines]);
      // Why a file could not be read, each says in its own words.
      if (node.code !== 2) expect([i, python[i]?.note]).toEqual([i, node.note]);
    }
  });
});
