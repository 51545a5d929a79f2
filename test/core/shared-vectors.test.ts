import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { utf8 } from "../../src/core/bytes.js";
import { logFormat } from "../../src/core/format.js";
import { canonicalJson, type Json } from "../../src/core/json.js";
import { consistencyVerdict, membershipVerdict } from "../../src/core/proof.js";

/** A folder with the test data of transparency-dev/merkle and of cyberphone/json-canonicalization, read where it lies. */
const FOLDER = process.env["AUDITQL_SHARED_VECTORS"] ?? "";
const format = logFormat("rfc6962");

if (existsSync(join(FOLDER, "rfc6962-proofs"))) {
  describe("the probes of transparency-dev/merkle", () => {
    test.each(probes("inclusion"))("inclusion/%s", (_, text) => {
      const [leafIndex, treeSize] = [numberOf(text, "leafIdx"), numberOf(text, "treeSize")];
      const { leafHash, root, proof, wantErr } = JSON.parse(text) as Probe;
      const claim = { leafIndex, treeSize, leafHash: bytes(leafHash), rootHash: bytes(root), path: path(proof) };
      expect(membershipVerdict(format, claim).kind === "VALID").toBe(!wantErr);
    });

    test.each(probes("consistency"))("consistency/%s", (_, text) => {
      const [fromSize, toSize] = [numberOf(text, "size1"), numberOf(text, "size2")];
      const { root1, root2, proof, wantErr } = JSON.parse(text) as Probe;
      const claim = { fromSize, toSize, fromHash: bytes(root1), toHash: bytes(root2), path: path(proof) };
      expect(consistencyVerdict(format, claim).kind === "VALID").toBe(!wantErr);
    });

    test("are 196", () => {
      expect(probes("inclusion").length + probes("consistency").length).toBe(196);
    });
  });

  describe("the RFC 8785 vectors of cyberphone/json-canonicalization", () => {
    test.each(readdirSync(join(FOLDER, "jcs/input")))("%s", (file) => {
      const canonical = canonicalJson(JSON.parse(readFileSync(join(FOLDER, "jcs/input", file), "utf8")) as Json);
      const hex = readFileSync(join(FOLDER, "jcs/outhex", file.replace(".json", ".txt")), "utf8").replace(/\s/g, "");
      expect(canonical).toBe(readFileSync(join(FOLDER, "jcs/output", file), "utf8"));
      expect(Buffer.from(utf8(canonical)).toString("hex")).toBe(hex);
    });
  });
} else {
  test("AUDITQL_SHARED_VECTORS names no folder with vectors: their 196 probes and RFC 8785 files were not run", () => {
    expect(process.env["AUDITQL_REQUIRE_SHARED"]).not.toBe("1");
  });
}

interface Probe {
  readonly leafHash: string;
  readonly root: string;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

function probes(kind: "inclusion" | "consistency"): readonly (readonly [string, string])[] {
  const folder = join(FOLDER, "rfc6962-proofs", kind);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".json"));
  return files.sort().map((file) => [file, readFileSync(join(folder, file), "utf8")] as const);
}

/** Numbers go up to 2^64 - 1: read as digits, and handed on only where a double holds exactly what was written. */
function numberOf(text: string, name: string): number {
  const digits = new RegExp(`"${name}": (\\d+)`).exec(text)?.[1];
  if (digits === undefined) throw new Error(`the probe has no ${name}`);
  const exact = BigInt(digits);
  return exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : Infinity;
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "base64"));
}

function path(proof: readonly string[] | null): readonly Uint8Array[] {
  return (proof ?? []).map(bytes);
}
