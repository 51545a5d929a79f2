import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DOES_NOT_HOLD, HOLDS, UNREADABLE, verifyFile } from "../../src/cli/verify.js";
import { digestOf, utf8 } from "../../src/core/bytes.js";
import { noteSigner, signCheckpoint, verifierKeyText } from "../../src/core/checkpoint.js";
import { logFormat } from "../../src/core/format.js";
import { consistencyRanges, membershipRanges } from "../../src/core/proof.js";
import { nobleEd25519, publicKeyPem } from "../../src/core/signature.js";
import { treeRoot, type LeafRange } from "../../src/core/tree.js";

const ORIGIN = "example.com/log";
const SIZE = 5;
const signer = noteSigner(ORIGIN, new Uint8Array(32).fill(3), nobleEd25519);
const format = logFormat("rfc6962");
const texts = Array.from({ length: SIZE }, (_, i) =>
  format.canonicalText({ event: { message: `event ${i}` }, received_at: `2026-01-01T00:00:0${i}.000000Z` }),
);
const leaves = texts.map((text) => format.leafHash(utf8(text)));
const hashOf = ({ start, end }: LeafRange) => treeRoot(format, leaves.slice(start, end));
const hex = (range: LeafRange): string => digestOf(hashOf(range));

function entry(leafIndex: number) {
  const hash = hex({ start: leafIndex, end: leafIndex + 1 });
  const path = membershipRanges(leafIndex, SIZE).map(hex);
  const rootHash = hex({ start: 0, end: SIZE });
  const membershipProof = { leafIndex, treeSize: SIZE, leafHash: hash, rootHash, path };
  return { leafIndex, hash, canonical: texts[leafIndex] ?? "", membershipProof };
}

function root(treeSize: number, fromSize: number) {
  const rootHash = hashOf({ start: 0, end: treeSize });
  const hash = digestOf(rootHash);
  const path = consistencyRanges(fromSize, treeSize).map(hex);
  const fromHash = hex({ start: 0, end: fromSize });
  return {
    ...{ treeSize, hash },
    checkpoint: signCheckpoint({ origin: ORIGIN, treeSize, rootHash }, signer),
    consistencyProof: { fromSize, toSize: treeSize, fromHash, toHash: hash, path },
  };
}

const whole = {
  format: "rfc6962",
  origin: ORIGIN,
  publicKey: verifierKeyText(signer),
  entries: [entry(0), entry(3)],
  roots: [root(SIZE, 2)],
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-verify-"));
});

afterAll(() => rm(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly lines: readonly string[];
  readonly note: string;
}

async function verify(document: unknown): Promise<Outcome> {
  const file = join(folder, "document.json");
  await writeFile(file, typeof document === "string" ? document : JSON.stringify(document));
  const lines: string[] = [];
  const notes: string[] = [];
  const code = await verifyFile(file, { line: (line) => lines.push(line), note: (note) => notes.push(note) });
  return { code, lines, note: notes.join("\n") };
}

describe("auditql verify", () => {
  test("writes a line for each check and a note on all, and exits 0", async () => {
    expect(await verify(whole)).toEqual({
      code: HOLDS,
      lines: [
        "entries[0] hash VALID",
        "entries[0] signature UNKNOWN NO_SIGNATURE",
        "entries[0] membership VALID",
        "entries[0] checkpoint VALID",
        "entries[1] hash VALID",
        "entries[1] signature UNKNOWN NO_SIGNATURE",
        "entries[1] membership VALID",
        "entries[1] checkpoint VALID",
        "roots[0] checkpoint VALID",
        "roots[0] consistency VALID",
      ],
      note: "holds: 8 valid, 2 unknown, 0 invalid",
    });
  });

  test("takes the log's key as PEM too", async () => {
    expect((await verify({ ...whole, publicKey: publicKeyPem(signer.publicKey) })).code).toBe(HOLDS);
  });

  test("exits 1 on a changed entry, and says which check it fails", async () => {
    const changed = { ...entry(3), canonical: entry(3).canonical.replace("event 3", "event 9") };
    const { code, lines } = await verify({ ...whole, entries: [entry(0), changed] });
    expect(code).toBe(DOES_NOT_HOLD);
    expect(lines.filter((line) => line.includes("INVALID"))).toEqual(["entries[1] hash INVALID HASH_MISMATCH"]);
  });

  test.each([
    ["the proof is left out", { entries: [{ ...entry(0), membershipProof: null }] }],
    ["no root signs the proof's tree", { roots: [] }],
    ["another key signed", { publicKey: publicKeyPem(nobleEd25519.publicKey(new Uint8Array(32).fill(4))) }],
    ["the log hashes otherwise", { format: "pangea" }],
  ])("exits 1 when %s", async (_, change) => {
    expect((await verify({ ...whole, ...change })).code).toBe(DOES_NOT_HOLD);
  });

  test.each([
    ["no JSON", "{", "is not JSON"],
    ["a list", "[]", "holds no JSON object"],
    ["an unknown format", { ...whole, format: "md5" }, '"format" is not one of'],
    ["no key", { ...whole, publicKey: undefined }, '"publicKey" is not a text'],
    ["a key that is none", { ...whole, publicKey: "key" }, "not an Ed25519 key"],
    ["a key of another log", { ...whole, origin: "example.com/other" }, '"publicKey" is of example.com/log'],
    ["an entry without text", { ...whole, entries: [{ leafIndex: 0, hash: "00" }] }, "entries[0] lacks"],
    ["nothing to check", { ...whole, entries: [], roots: [] }, "neither entries nor roots"],
    ["roots that are no list", { ...whole, roots: {} }, '"roots" is not a list'],
  ])("exits 2 on %s, and says so", async (_, document, complaint) => {
    const { code, lines, note } = await verify(document);
    expect({ code, lines }).toEqual({ code: UNREADABLE, lines: [] });
    expect(note).toContain(complaint);
  });

  test("exits 2 on a file that is not there", async () => {
    const output = { line: () => undefined, note: () => undefined };
    expect(await verifyFile(join(folder, "missing.json"), output)).toBe(UNREADABLE);
  });
});
