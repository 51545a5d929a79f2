import "reflect-metadata";
import { describe, expect, test } from "@jest/globals";
import type { Entry } from "../../src/audit/service.js";
import { digestOf, utf8 } from "../../src/core/bytes.js";
import { logFormat, type LogFormat } from "../../src/core/format.js";
import { publicKeyText } from "../../src/core/signature.js";
import { VALID } from "../../src/core/verdict.js";
import { EntryChecks } from "../../src/graphql/verdict.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";

const ed25519 = nodeEd25519();
const SEED = new Uint8Array(32).fill(7);

/** A format that counts what is hashed and read for a signature. */
function counted(): LogFormat & { readonly calls: string[] } {
  const [format, calls] = [logFormat("rfc6962"), [] as string[]];
  return {
    ...format,
    calls,
    leafHash: (canonical) => (calls.push("hash"), format.leafHash(canonical)),
    signedText: (event) => (calls.push("signature"), format.signedText(event)),
  };
}

function signedEntry(format: LogFormat, message = "m"): Entry {
  const event = { message };
  const signature = Buffer.from(ed25519.sign(utf8(format.signedText(event)), SEED)).toString("base64");
  const public_key = publicKeyText(ed25519.publicKey(SEED));
  const envelope = { event, received_at: "2026-01-01T00:00:00.000000Z", signature, public_key };
  const canonical = format.canonicalText(envelope);
  return { log: "default", leafIndex: 0, hash: digestOf(format.leafHash(utf8(canonical))), canonical, envelope };
}

describe("the checks of an entry by itself", () => {
  test("are made when they are first read, and once for an entry that stays in memory", () => {
    const format = counted();
    const entry = signedEntry(logFormat("rfc6962"));
    for (let time = 0; time < 3; time++) {
      const checks = EntryChecks.of({ ...entry }, format);
      if (time === 0) expect(format.calls).toEqual([]);
      expect([checks.hash, checks.signature]).toEqual([VALID, VALID]);
    }
    expect(format.calls).toEqual(["hash", "signature"]);
  });

  test("are another's where the text, the hash or the format is another beside the same envelope", () => {
    const format = logFormat("rfc6962");
    const entry = signedEntry(format);
    const other = signedEntry(format, "other");
    const wrong = { kind: "INVALID", reason: "HASH_MISMATCH" };
    for (let time = 0; time < 2; time++) {
      expect(EntryChecks.of(entry, format).hash).toEqual(VALID);
      expect(EntryChecks.of({ ...entry, canonical: other.canonical }, format).hash).toEqual(wrong);
      expect(EntryChecks.of({ ...entry, hash: other.hash }, format).hash).toEqual(wrong);
      expect(EntryChecks.of(entry, logFormat("pangea")).hash).toEqual(wrong);
    }
  });

  test("read each envelope's own signature", () => {
    const format = logFormat("rfc6962");
    const { envelope, ...entry } = signedEntry(format);
    expect(EntryChecks.of({ ...entry, envelope }, format).signature).toEqual(VALID);
    const forged = { ...envelope, event: { message: "forged" } };
    const { signature } = EntryChecks.of({ ...entry, envelope: forged }, format);
    expect(signature).toEqual({ kind: "INVALID", reason: "SIGNATURE_MISMATCH" });
  });
});
