import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { base64 } from "../../src/core/bytes.js";
import { nobleEd25519, parsePublicKey, SIGNATURE_BYTES, type Ed25519 } from "../../src/core/signature.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";
import { edgeCases, signatureVectorsText, type SignatureVectors } from "../vectors/ed25519-edges.js";

const FILES = ["edge-cases", "wycheproof"] as const;
const IMPLEMENTATIONS: readonly (readonly [string, Ed25519])[] = [
  ["core, by @noble", nobleEd25519],
  ["the gateway, by OpenSSL", nodeEd25519()],
];

describe.each(FILES)("the Ed25519 vectors of %s.json", (file) => {
  const { vectors } = JSON.parse(fileOf(file)) as SignatureVectors;

  test.each(IMPLEMENTATIONS)("are told alike by %s", (_, ed25519) => {
    const wrong = vectors.filter((row) => verdictOf(ed25519, row) !== row[3]);
    expect(wrong).toEqual([]);
  });
});

test("the vectors are as many as were published, and hold every kind of verdict", () => {
  const counts = FILES.map((file) => {
    const { vectors } = JSON.parse(fileOf(file)) as SignatureVectors;
    const count = (verdict: string): number => vectors.filter((row) => row[3] === verdict).length;
    return [vectors.length, count("VALID"), count("INVALID SIGNATURE_MISMATCH"), count("INVALID MALFORMED_PUBLIC_KEY")];
  });
  expect(counts).toEqual([
    [914, 86, 302, 526],
    [151, 88, 51, 0],
  ]);
});

test("the file of edge cases is what the script makes", () => {
  expect(fileOf("edge-cases")).toBe(signatureVectorsText(edgeCases()));
});

function fileOf(name: string): string {
  return readFileSync(`test/vectors/ed25519/${name}.json`, "utf8");
}

function verdictOf(ed25519: Ed25519, row: SignatureVectors["vectors"][number]): string {
  const [key, signature, message] = row.map((hex) => Uint8Array.from(Buffer.from(hex, "hex")));
  const publicKey = parsePublicKey(base64(key ?? new Uint8Array()));
  if (publicKey === undefined) return "INVALID MALFORMED_PUBLIC_KEY";
  if (signature?.length !== SIGNATURE_BYTES || message === undefined) return "INVALID MALFORMED_SIGNATURE";
  return ed25519.verify(signature, message, publicKey) ? "VALID" : "INVALID SIGNATURE_MISMATCH";
}
