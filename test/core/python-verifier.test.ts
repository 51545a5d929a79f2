import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { noteVerifier, verifierKeyText } from "../../src/core/checkpoint.js";
import { parseEnvelope } from "../../src/core/format.js";
import { canonicalJson, parseCanonicalJson, type Json } from "../../src/core/json.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { describeWith, findProgram } from "../service.js";
import { ORIGIN, PUBLIC_KEY, VectorLog } from "../vectors/document.js";
import type { SignatureVectors } from "../vectors/ed25519-edges.js";
import { vectorFiles, type VectorFile } from "../vectors/make.js";

const PYTHON = findProgram("python3") ?? "python3";
const HAS_CRYPTOGRAPHY = run(["-c", "import cryptography"]).status === 0;
const KEY = verifierKeyText(noteVerifier(ORIGIN, PUBLIC_KEY, nobleEd25519));
const VERIFIER = "verifiers/python/auditql_verify.py";
/** Imports the verifier, then answers for a list of JSON documents on standard input. */
const IMPORT_ONLY = "import json, sys\nsys.path.insert(0, 'verifiers/python')\nimport auditql_verify as v\n";
const IMPORT = `${IMPORT_ONLY}input = v.parse_json(sys.stdin.read())\n`;

/** The verdict on a key, a signature and a message in hexadecimal. */
const SIGNATURE_VERDICT = `
def verdict(key, signature, message):
    key, signature, message = (bytes.fromhex(text) for text in (key, signature, message))
    public_key = v.parse_public_key(v.base64.b64encode(key).decode("ascii"))
    if public_key is None:
        return v.invalid("MALFORMED_PUBLIC_KEY")
    if len(signature) != 64:
        return v.invalid("MALFORMED_SIGNATURE")
    return v.ed25519(signature, message, public_key)
`;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], input = ""): Outcome {
  return spawnSync(PYTHON, ["-B", ...args], { input, encoding: "utf8", maxBuffer: 2 ** 26 });
}

/** What an expression over `input` comes to in the verifier, all in one process. */
function evaluate(expression: string, input: unknown, before = ""): unknown {
  const { status, stdout, stderr } = run(
    ["-c", `${before}${IMPORT}print(json.dumps(${expression}))`],
    JSON.stringify(input),
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

describeWith("python3 and its package cryptography", HAS_CRYPTOGRAPHY, () => {
  const log = new VectorLog("rfc6962");
  const honest = log.document([log.entry(1, 7), log.entry(2, 7)], [log.rootSince(3, 7)]);
  const files = [...vectorFiles()];
  let folder = "";

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "auditql-python-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("the verifier in Python comes to the same verdict on every attack vector", () => {
    const cases = files.flatMap(([, file]) => file.cases);
    const lines = evaluate(
      "[[' '.join(line) for line in v.check_document(document)] for document in input]",
      cases.map(({ document }) => document),
    ) as readonly unknown[];
    expect(lines.length).toBe(2 * files.length);
    lines.forEach((verdicts, i) => {
      expect([files[Math.floor(i / 2)]?.[0], verdicts]).toEqual([files[Math.floor(i / 2)]?.[0], cases[i]?.verdicts]);
    });
  });

  test("it verifies what the hosted Pangea service logged and proved, and sees through lies about it", () => {
    const { cases } = JSON.parse(readFileSync("test/vectors/pangea/production.json", "utf8")) as VectorFile;
    const lines = evaluate(
      "[[' '.join(line) for line in v.check_document(document)] for document in input]",
      cases.map(({ document }) => document),
    );
    expect(lines).toEqual(cases.map(({ verdicts }) => verdicts));
  });

  test.each(["edge-cases", "wycheproof"])("it comes to the verdict on every Ed25519 vector of %s.json", (file) => {
    const { vectors } = JSON.parse(readFileSync(`test/vectors/ed25519/${file}.json`, "utf8")) as SignatureVectors;
    const told = evaluate("[verdict(*row[:3]) for row in input]", vectors, SIGNATURE_VERDICT) as readonly string[];
    expect(vectors.filter((row, i) => row[3] !== told[i])).toEqual([]);
  });

  test("it tells canonical JSON from any other just as core does", () => {
    const values = fc.sample(fc.jsonValue({ maxDepth: 3, stringUnit: "binary" }), 300) as Json[];
    const numbers = fc.sample(fc.double({ noNaN: true, noDefaultInfinity: true }), 300);
    const texts = [...values, ...numbers].flatMap((value) => [canonicalJson(value), JSON.stringify(value, null, 1)]);
    const spellings = [...texts, "1.0", "1e2", "-0", "1E400", "NaN", "01", "", "9007199254740993", "[".repeat(10_000)];
    const accepted = evaluate("[v.parse_canonical(text) is not None or text == 'null' for text in input]", spellings);
    expect(accepted).toEqual(spellings.map((text) => parseCanonicalJson(text) !== undefined));
  });

  test("it reads the key of a log, and a checkpoint's length in bytes, just as core does", () => {
    const key = log.document([], []).publicKey;
    const spki = Buffer.from(key.split("\n")[1] ?? "", "base64");
    const named = verifierKeyText(noteVerifier(ORIGIN, PUBLIC_KEY, nobleEd25519));
    const weak = verifierKeyText(noteVerifier(ORIGIN, Uint8Array.of(1, ...new Uint8Array(31)), nobleEd25519));
    const ofSpki = named.replace(/[^+]+$/, Buffer.from([1, ...spki]).toString("base64"));
    const read = evaluate(`[v.parse_log_key(key, "${ORIGIN}") is not None for key in input]`, [named, weak, ofSpki]);
    expect(read).toEqual([true, false, false]);

    const room = 131_072 - Buffer.byteLength(`${log.checkpoint(7)}— \u{1f441} AAAAAAAA\n`);
    const notes = [room, room + 1].map((w) => `${log.checkpoint(7)}— \u{1f441}${"w".repeat(w)} AAAAAAAA\n`);
    expect(evaluate("[v.parse_note(text) is not None for text in input]", notes)).toEqual([true, false]);
  });

  test("it takes for an envelope just what core takes for one", () => {
    const values: readonly Json[] = [null, true, 0, -1.5, 6.02e23, "", "a\0b", [], [[null], "x"], {}, { a: [1] }];
    const fields = ["message", "new", "old", "timestamp", "actor", "tenant_id"];
    const texts = fields.flatMap((field) =>
      values.map((value) =>
        canonicalJson({ event: { message: "m", [field]: value }, received_at: "2026-01-01T00:00:00.000000Z" }),
      ),
    );
    const accepted = evaluate("[v.parse_envelope(text) is not None for text in input]", texts);
    expect(accepted).toEqual(texts.map((text) => parseEnvelope(text) !== undefined));
  });

  test("it reads a file, prints a line per check, and exits 0 when everything holds under the key given", () => {
    writeFileSync(join(folder, "honest.json"), JSON.stringify(honest));
    const { status, stdout } = run([VERIFIER, join(folder, "honest.json"), "--key", KEY]);
    expect(stdout.split("\n")).toEqual([
      ...["hash", "signature", "membership", "checkpoint"].map((check) => `entries[0] ${check} VALID`),
      "entries[1] hash VALID",
      "entries[1] signature UNKNOWN NO_SIGNATURE",
      "entries[1] membership VALID",
      "entries[1] checkpoint VALID",
      "roots[0] checkpoint VALID",
      "roots[0] consistency VALID",
      "",
    ]);
    expect(status).toBe(0);
  });

  test("it reads standard input, and exits 1 when one check is INVALID", () => {
    const [entry] = honest.entries;
    const changed = { ...honest, entries: [{ ...entry, canonical: entry?.canonical.replace("alice", "mallory") }] };
    const { status, stdout } = run([VERIFIER], JSON.stringify(changed));
    expect(stdout).toContain(
      "entries[0] hash INVALID HASH_MISMATCH\nentries[0] signature INVALID SIGNATURE_MISMATCH\n",
    );
    expect(status).toBe(1);
  });

  test.each([
    ["no JSON", "{", ""],
    ["no object", "[]", "not a JSON object"],
    ["an unknown format", JSON.stringify({ ...honest, format: "sha1" }), "format must be one of"],
    ["no origin", JSON.stringify({ ...honest, origin: null }), "origin must be"],
    ["a key that is none", JSON.stringify({ ...honest, publicKey: "key" }), "publicKey must be"],
    ["entries that are no list", JSON.stringify({ ...honest, entries: {} }), "entries must be"],
    ["nothing to check", JSON.stringify({ ...honest, entries: [], roots: [] }), "neither entries nor roots"],
  ])("it exits 2 on a document with %s", (_, input, message) => {
    const { status, stdout, stderr } = run([VERIFIER], input);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("Traceback");
  });

  test("it never breaks off, whatever a server put where", () => {
    const names = fc.constantFrom(
      "leafIndex",
      "treeSize",
      "hash",
      "canonical",
      "membershipProof",
      "checkpoint",
      "consistencyProof",
    );
    const inner = fc.constantFrom(
      "leafIndex",
      "treeSize",
      "leafHash",
      "rootHash",
      "path",
      "fromSize",
      "toSize",
      "toHash",
    );
    const lies = fc.sample(fc.tuple(names, inner, fc.jsonValue()), 300).map(([member, innerMember, value]) => {
      const claim = { ...log.rootSince(3, 7), ...log.entry(1, 7), [member]: value };
      const proof = { ...claim.membershipProof, ...claim.consistencyProof, [innerMember]: value };
      const lie = member === "hash" ? claim : { ...claim, membershipProof: proof, consistencyProof: proof };
      return { ...honest, entries: [lie], roots: [lie] };
    });
    const counts = evaluate("[len(list(v.check_document(document))) for document in input]", lies);
    expect(counts).toEqual(lies.map(() => 6));
  });

  test("it calls signatures UNKNOWN without the package cryptography, and checks all the rest", () => {
    const without = "import sys\nsys.modules['cryptography'] = None\n";
    const lines = evaluate("[' '.join(line) for line in v.check_document(input)]", honest, without);
    expect(run(["-c", `${without}${IMPORT_ONLY}sys.exit(v.main([]))`], JSON.stringify(honest)).status).toBe(2);
    expect(lines).toEqual([
      "entries[0] hash VALID",
      "entries[0] signature UNKNOWN NO_CRYPTOGRAPHY",
      "entries[0] membership VALID",
      "entries[0] checkpoint UNKNOWN NO_CRYPTOGRAPHY",
      "entries[1] hash VALID",
      "entries[1] signature UNKNOWN NO_SIGNATURE",
      "entries[1] membership VALID",
      "entries[1] checkpoint UNKNOWN NO_CRYPTOGRAPHY",
      "roots[0] checkpoint UNKNOWN NO_CRYPTOGRAPHY",
      "roots[0] consistency VALID",
    ]);
  });
});
