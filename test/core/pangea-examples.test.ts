import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { base64, parseBase64, digestBytes, digestOf, parseDigest, utf8 } from "../../src/core/bytes.js";
import { parseEnvelope, logFormat } from "../../src/core/format.js";
import type { AuditEvent } from "../../src/core/event.js";
import { canonicalJson, type Json } from "../../src/core/json.js";
import { membershipRanges, subtreeRanges } from "../../src/core/proof.js";
import {
  consistencyText,
  consistencyTextVerdict,
  membershipText,
  membershipTextVerdict,
} from "../../src/core/proof-text.js";
import { nobleEd25519, parsePublicKey, signatureVerdict } from "../../src/core/signature.js";
import { treeRoot, type LeafRange } from "../../src/core/tree.js";
import { trustLog } from "../../src/core/verify.js";
import type { VectorFile } from "../vectors/make.js";
import { verdictsOf } from "../vectors/verdicts.js";

interface CanonicalExamples {
  readonly examples: readonly { readonly about: string; envelope: Json; canonical: string; hash: string }[];
}

interface TreeExample {
  readonly canonical: readonly string[];
  readonly leaves: readonly string[];
  readonly roots: readonly string[];
  readonly membershipAtSize7: readonly string[];
  readonly consistency: readonly { readonly fromSize: number; toSize: number; text: readonly string[] }[];
}

interface SignatureExample {
  readonly seed: string;
  readonly publicKeySpki: string;
  readonly event: AuditEvent;
  readonly signedText: string;
  readonly signature: string;
  readonly canonical: string;
  readonly hash: string;
}

const format = logFormat("pangea");

describe("what the official Pangea SDKs made and accept", () => {
  const { examples } = read("canonical") as CanonicalExamples;

  test.each(examples.map((example) => [example.about, example] as const))("hashes %s alike", (_, example) => {
    expect(canonicalJson(example.envelope)).toBe(example.canonical);
    expect(digestOf(format.leafHash(utf8(example.canonical)))).toBe(example.hash);
  });

  const tree = read("tree") as TreeExample;
  const leaves = tree.leaves.map(bytesOf);
  const hash = ({ start, end }: LeafRange): Uint8Array => treeRoot(format, leaves.slice(start, end));
  const root = (size: number): Uint8Array => hash({ start: 0, end: size });

  test("builds the same tree of the same entries", () => {
    expect(tree.canonical.map((text) => digestOf(format.leafHash(utf8(text))))).toEqual(tree.leaves);
    expect(tree.roots.map((_, i) => digestOf(root(i + 1)))).toEqual(tree.roots);
  });

  test.each(tree.membershipAtSize7.map((text, i) => [i, text] as const))("proves leaf %i alike", (leafIndex, text) => {
    const path = membershipRanges(leafIndex, 7).map(hash);
    const claim = {
      leafIndex,
      treeSize: 7,
      leafHash: hash({ start: leafIndex, end: leafIndex + 1 }),
      rootHash: root(7),
    };
    expect(membershipText({ ...claim, path })).toBe(text);
    expect(membershipTextVerdict(format, { ...claim, text }).kind).toBe("VALID");
  });

  test.each(tree.consistency)("proves $fromSize a prefix of $toSize alike", ({ fromSize, toSize, text }) => {
    const subtreePaths = subtreeRanges(fromSize, toSize).map(({ subtree, path }) => ({
      start: subtree.start,
      size: subtree.end - subtree.start,
      hash: hash(subtree),
      path: path.map(hash),
    }));
    const claim = { fromSize, toSize, fromHash: root(fromSize), toHash: root(toSize) };
    expect(consistencyText({ ...claim, subtreePaths })).toEqual(text);
    expect(consistencyTextVerdict(format, { ...claim, text }).kind).toBe("VALID");
    expect(consistencyTextVerdict(format, { ...claim, fromHash: root(toSize), text }).kind).toBe("INVALID");
  });

  const { cases } = read("production") as VectorFile;

  test.each(cases.map((example, i) => [i, example] as const))(
    "is verified with the proof that the hosted service gave, and no other: case %i",
    (_, { document, verdicts }) => {
      expect(verdictsOf(trustLog(document), document)).toEqual(verdicts);
    },
  );

  test("signs an event alike, and takes the envelope that came of it", () => {
    const example = read("signature") as SignatureExample;
    const seed = bytesOf(example.seed);
    expect(parsePublicKey(example.publicKeySpki)).toEqual(nobleEd25519.publicKey(seed));
    expect(format.signedText(example.event)).toBe(example.signedText);
    expect(base64(nobleEd25519.sign(utf8(example.signedText), seed))).toBe(example.signature);
    expect(parseBase64(example.signature)?.length).toBe(64);
    expect(digestOf(format.leafHash(utf8(example.canonical)))).toBe(example.hash);
    const envelope = parseEnvelope(example.canonical);
    expect(envelope && signatureVerdict(envelope, format).kind).toBe("VALID");
    expect(envelope && format.canonicalText({ ...envelope, event: example.event })).toBe(example.canonical);
  });
});

function read(name: string): unknown {
  return JSON.parse(readFileSync(`test/vectors/pangea/${name}.json`, "utf8"));
}

function bytesOf(hex: string): Uint8Array {
  const digest = parseDigest(hex);
  if (digest === undefined) throw new Error(`no digest: ${hex}`);
  return digestBytes(digest);
}
