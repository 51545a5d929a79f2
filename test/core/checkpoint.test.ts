import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { base64, utf8 } from "../../src/core/bytes.js";
import {
  noteSigner,
  noteVerifier,
  openCheckpoint,
  parseVerifierKey,
  signCheckpoint,
  verifierKeyText,
} from "../../src/core/checkpoint.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { sha256 } from "./naive-tree.js";

const ORIGIN = "example.com/auditql/default";
const SEED = new Uint8Array(32).fill(7);
const signer = noteSigner(ORIGIN, SEED, nobleEd25519);
const verifier = noteVerifier(ORIGIN, signer.publicKey, nobleEd25519);
const HEAD = { origin: ORIGIN, treeSize: 1234, rootHash: sha256(utf8("root")) };
const CHECKPOINT = signCheckpoint(HEAD, signer);
const ROOT = base64(HEAD.rootHash);

describe("a checkpoint", () => {
  test("is a signed note of origin, size and root", () => {
    expect(CHECKPOINT).toMatch(
      /^example\.com\/auditql\/default\n1234\n[A-Za-z0-9+/]{43}=\n\n— example\.com\/auditql\/default [A-Za-z0-9+/]{91}=\n$/,
    );
    expect(CHECKPOINT.split("\n")[2]).toBe(ROOT);
  });

  test("opens to what was signed, at every size a tree can have", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (treeSize) => {
        const head = { ...HEAD, treeSize };
        expect(openCheckpoint(signCheckpoint(head, signer), verifier)).toEqual({ kind: "opened", ...head });
      }),
      { numRuns: 10 },
    );
  });

  test("opens with signatures of witnesses before and after the log's own", () => {
    const [body = "", lines = ""] = CHECKPOINT.split("\n\n");
    const witness = "— witness.example/w1 AAAAAAAAAAA=\n";
    expect(openCheckpoint(`${body}\n\n${witness}${lines}${witness}`, verifier).kind).toBe("opened");
  });

  test("is refused with any one character changed", () => {
    fc.assert(
      fc.property(fc.nat(CHECKPOINT.length - 1), fc.constantFrom("A", "0", "\n", " ", "=", "—"), (at, character) => {
        fc.pre(CHECKPOINT[at] !== character);
        const changed = CHECKPOINT.slice(0, at) + character + CHECKPOINT.slice(at + 1);
        expect(openCheckpoint(changed, verifier).kind).toBe("rejected");
      }),
    );
  });

  test.each([
    ["two blank lines before the signatures", CHECKPOINT.replace("\n\n", "\n\n\n")],
    ["a byte after the signature", CHECKPOINT.replace(/=\n$/, "A\n")],
    ["a megabyte of signature lines", CHECKPOINT + "— w AAAAAAAAAAA=\n".repeat(60_000)],
    ["nothing at all", ""],
  ])("is refused with %s", (_, text) => {
    expect(openCheckpoint(text, verifier)).toEqual({ kind: "rejected", reason: "MALFORMED_CHECKPOINT" });
  });

  test("signed under another name is of an UNKNOWN_KEY", () => {
    const named = noteSigner("example.com/other", SEED, nobleEd25519);
    const text = signCheckpoint({ ...HEAD, origin: named.name }, named);
    expect(openCheckpoint(text, verifier)).toEqual({ kind: "rejected", reason: "UNKNOWN_KEY" });
  });

  test("never makes opening it throw, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(openCheckpoint(text, verifier).kind).toBe("rejected");
      }),
    );
  });

  test("is not signed for another origin, a size that is none, or a root that is no hash", () => {
    expect(() => signCheckpoint({ ...HEAD, origin: "example.com/other" }, signer)).toThrow(TypeError);
    expect(() => signCheckpoint({ ...HEAD, treeSize: 1.5 }, signer)).toThrow(TypeError);
    expect(() => signCheckpoint({ ...HEAD, rootHash: new Uint8Array(31) }, signer)).toThrow(TypeError);
  });
});

test.each(["", "a b", "a+b", "a\nb", "a\u2003b", "a\u0000b", "\ud800"])("a log cannot be called %j", (name) => {
  expect(() => noteSigner(name, SEED, nobleEd25519)).toThrow(TypeError);
});

// The example key of the C2SP signed-note specification and of golang.org/x/mod/sumdb/note, which AuditQL did not make.
test("a verifier key has the spelling and the key id that other tools give it", () => {
  const text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const key = Uint8Array.from(Buffer.from(text.slice(text.lastIndexOf("+") + 1), "base64")).subarray(1);
  const peter = noteVerifier("PeterNeumann", key, nobleEd25519);
  expect(verifierKeyText(peter)).toBe(text);
  const body = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
  expect(peter.verify(Uint8Array.from(Buffer.from(signature, "base64")).subarray(4), utf8(body))).toBe(true);
});

describe("a checkpoint with the signatures of witnesses", () => {
  const witnesses = (count: number, bytes: number): string =>
    Array.from({ length: count }, (_, i) => `— witness.example/${i} ${base64(new Uint8Array(bytes))}\n`).join("");
  /** A line of so many bytes of UTF-8, in a name of so many UTF-16 units. */
  const lineOf = (bytes: number, name = ""): string =>
    `— ${name}${"w".repeat(bytes - Buffer.byteLength(`— ${name} AAAAAAAA\n`))} AAAAAAAA\n`;

  test("is malformed with one that is a key id alone", () => {
    expect(openCheckpoint(CHECKPOINT + "— witness.example/w AAAAAAA=\n", verifier).kind).toBe("opened");
    expect(openCheckpoint(CHECKPOINT + "— witness.example/w AAAAAA==\n", verifier)).toEqual({
      kind: "rejected",
      reason: "MALFORMED_CHECKPOINT",
    });
  });

  test("opens with sixteen of nearly 5 kB each, as C2SP signed-note asks", () => {
    expect(openCheckpoint(CHECKPOINT + witnesses(16, 3_700), verifier).kind).toBe("opened");
  });

  test.each(["", "\u{1f441}"])("opens up to 131,072 bytes of UTF-8 and not a byte more, named %j", (name) => {
    const room = 131_072 - Buffer.byteLength(CHECKPOINT);
    expect(openCheckpoint(CHECKPOINT + lineOf(room, name), verifier).kind).toBe("opened");
    expect(openCheckpoint(CHECKPOINT + lineOf(room + 1, name), verifier)).toEqual({
      kind: "rejected",
      reason: "MALFORMED_CHECKPOINT",
    });
  });
});

describe("a verifier key", () => {
  const text = verifierKeyText(verifier);

  test("reads back as the key that opens the log's checkpoints", () => {
    const key = parseVerifierKey(text, nobleEd25519);
    expect(key && openCheckpoint(CHECKPOINT, key).kind).toBe("opened");
  });

  test("is refused with any one character changed", () => {
    for (let i = 0; i < text.length; i += 1) {
      const altered = text.slice(0, i) + (text[i] === "b" ? "c" : "b") + text.slice(i + 1);
      expect(parseVerifierKey(altered, nobleEd25519)).toBeUndefined();
    }
  });

  test("is refused for a key of small order, under which anyone can sign", () => {
    const neutral = noteVerifier(ORIGIN, Uint8Array.of(1, ...new Uint8Array(31)), nobleEd25519);
    expect(parseVerifierKey(verifierKeyText(neutral), nobleEd25519)).toBeUndefined();
  });

  test.each(["", "+", ORIGIN, `${text}\n`, ` ${text}`])("is not %j", (other) => {
    expect(parseVerifierKey(other, nobleEd25519)).toBeUndefined();
  });
});
