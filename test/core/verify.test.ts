import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { base64, digestOf, utf8 } from "../../src/core/bytes.js";
import { noteSigner, signCheckpoint } from "../../src/core/checkpoint.js";
import type { EntryClaim, RootClaim } from "../../src/core/claim.js";
import type { Envelope } from "../../src/core/event.js";
import { FORMAT_NAMES, logFormat } from "../../src/core/format.js";
import { consistencyRanges, membershipRanges } from "../../src/core/proof.js";
import { nobleEd25519, publicKeyPem, publicKeyText } from "../../src/core/signature.js";
import { treeRoot, type LeafRange } from "../../src/core/tree.js";
import { checkpointVerdict, trustLog, verifyEntry, verifyRoot } from "../../src/core/verify.js";

const ORIGIN = "example.com/auditql/default";
const SEED = new Uint8Array(32).fill(7);
const KEY = nobleEd25519.publicKey(SEED);

describe.each(FORMAT_NAMES)("verifying a %s log", (name) => {
  const format = logFormat(name);
  const log = trustLog({ format: name, origin: ORIGIN, publicKey: publicKeyPem(KEY) });
  const texts = Array.from({ length: 7 }, (_, i) => format.canonicalText(envelope(i)));
  const hashes = texts.map((text) => format.leafHash(utf8(text)));
  const root = treeRoot(format, hashes);

  function envelope(i: number): Envelope {
    const event = { message: { n: i } };
    const signature = base64(nobleEd25519.sign(utf8(format.signedText(event)), SEED));
    return {
      event,
      received_at: `2026-01-01T00:00:0${i}.000000Z`,
      ...(i === 0 ? {} : { signature, public_key: publicKeyText(KEY) }),
    };
  }

  function hex({ start, end }: LeafRange): string {
    return digestOf(treeRoot(format, hashes.slice(start, end)));
  }

  function checkpoint(treeSize: number): string {
    const rootHash = treeRoot(format, hashes.slice(0, treeSize));
    return signCheckpoint({ origin: ORIGIN, treeSize, rootHash }, noteSigner(ORIGIN, SEED, nobleEd25519));
  }

  function entry(leafIndex: number): EntryClaim & Required<Pick<EntryClaim, "membershipProof">> {
    const hash = hex({ start: leafIndex, end: leafIndex + 1 });
    const path = membershipRanges(leafIndex, 7).map(hex);
    return {
      leafIndex,
      hash,
      canonical: texts[leafIndex] ?? "",
      membershipProof: { leafIndex, treeSize: 7, leafHash: hash, rootHash: digestOf(root), path },
      checkpoint: checkpoint(7),
    };
  }

  function newest(fromSize: number): RootClaim {
    const [fromHash, toHash] = [hex({ start: 0, end: fromSize }), digestOf(root)];
    const consistencyProof = { fromSize, toSize: 7, fromHash, toHash, path: consistencyRanges(fromSize, 7).map(hex) };
    return { treeSize: 7, hash: toHash, checkpoint: checkpoint(7), consistencyProof };
  }

  test("finds every check of a true entry VALID", () => {
    const valid = { kind: "VALID" };
    expect(verifyEntry(log, entry(3))).toEqual({ hash: valid, signature: valid, membership: valid, checkpoint: valid });
  });

  test("calls UNKNOWN what was not given", () => {
    expect(verifyEntry(log, { leafIndex: 0, hash: entry(0).hash, canonical: texts[0] ?? "" })).toEqual({
      hash: { kind: "VALID" },
      signature: { kind: "UNKNOWN", reason: "NO_SIGNATURE" },
      membership: { kind: "UNKNOWN", reason: "NO_PROOF" },
      checkpoint: { kind: "UNKNOWN", reason: "NO_PROOF" },
    });
  });

  test("sees a changed text in hash and signature, and leaves the other verdicts as they are", () => {
    const changed = (texts[3] ?? "").replace("3", "4");
    const { hash, signature, membership } = verifyEntry(log, { ...entry(3), canonical: changed });
    expect(hash).toEqual({ kind: "INVALID", reason: "HASH_MISMATCH" });
    expect(signature).toEqual({ kind: "INVALID", reason: "SIGNATURE_MISMATCH" });
    expect(membership).toEqual({ kind: "VALID" });
  });

  test("takes only the canonical form of an envelope", () => {
    for (const canonical of [`${texts[3] ?? ""} `, "{}", "x".repeat(64), ""]) {
      const { hash, signature } = verifyEntry(log, { ...entry(3), canonical });
      expect(hash).toEqual({ kind: "INVALID", reason: "NOT_CANONICAL" });
      expect(signature).toEqual({ kind: "UNKNOWN", reason: "NOT_CANONICAL" });
    }
  });

  test("refuses the proof of another entry, and another entry's place", () => {
    const { membershipProof } = entry(2);
    expect(verifyEntry(log, { ...entry(3), membershipProof }).membership).toEqual({
      kind: "INVALID",
      reason: "INDEX_OUT_OF_RANGE",
    });
    expect(verifyEntry(log, { ...entry(3), leafIndex: 2, membershipProof }).membership).toEqual({
      kind: "INVALID",
      reason: "HASH_MISMATCH",
    });
  });

  test("refuses a checkpoint of another tree than the proof's", () => {
    expect(verifyEntry(log, { ...entry(3), checkpoint: checkpoint(6) }).checkpoint).toEqual({
      kind: "INVALID",
      reason: "CHECKPOINT_MISMATCH",
    });
  });

  test("takes a checkpoint for exactly one size with exactly one root", () => {
    const { checkpoint: note, treeSize, hash } = newest(3);
    const other = hex({ start: 0, end: 6 });
    expect(checkpointVerdict(log, note, { treeSize, hash })).toEqual({ kind: "VALID" });
    const mismatch = { kind: "INVALID", reason: "CHECKPOINT_MISMATCH" };
    for (const tree of [{ treeSize, hash: other }, { treeSize: 6, hash }, { treeSize: 6, hash: other }, {}])
      expect(checkpointVerdict(log, note, tree)).toEqual(mismatch);
    expect(verifyRoot(log, { ...newest(3), hash: other })).toEqual({
      checkpoint: mismatch,
      consistency: { kind: "INVALID", reason: "NEW_ROOT_MISMATCH" },
    });
    for (const absent of [undefined, null])
      expect(checkpointVerdict(log, absent, { treeSize, hash })).toEqual({ kind: "UNKNOWN", reason: "NO_PROOF" });
    for (const malformed of [7, {}, "", [note]])
      expect(checkpointVerdict(log, malformed, { treeSize, hash })).toEqual({
        kind: "INVALID",
        reason: "MALFORMED_CHECKPOINT",
      });
  });

  test("finds a true root and its consistency VALID, also from the tree known before", () => {
    const valid = { checkpoint: { kind: "VALID" }, consistency: { kind: "VALID" } };
    expect(verifyRoot(log, newest(3))).toEqual(valid);
    expect(verifyRoot(log, newest(3), { treeSize: 3, hash: hex({ start: 0, end: 3 }) })).toEqual(valid);
  });

  test("refuses a consistency proof that starts elsewhere or ends elsewhere than asked", () => {
    const old = { kind: "INVALID", reason: "OLD_ROOT_MISMATCH" };
    expect(verifyRoot(log, newest(3), { treeSize: 4, hash: hex({ start: 0, end: 4 }) }).consistency).toEqual(old);
    expect(verifyRoot(log, newest(3), { treeSize: 3, hash: hex({ start: 0, end: 4 }) }).consistency).toEqual(old);
    expect(verifyRoot(log, { ...newest(3), treeSize: 6 }).consistency).toEqual({
      kind: "INVALID",
      reason: "NEW_ROOT_MISMATCH",
    });
  });

  test("refuses a root of another size than the known one that has the very same hash", () => {
    const { treeSize, hash } = newest(3);
    const consistencyProof = { fromSize: 7, toSize: 7, fromHash: hash, toHash: hash, path: [] };
    const claim = { ...newest(3), consistencyProof };
    expect(verifyRoot(log, claim, { treeSize, hash }).consistency).toEqual({ kind: "VALID" });
    expect(verifyRoot(log, claim, { treeSize: 5, hash }).consistency).toEqual({
      kind: "INVALID",
      reason: "OLD_ROOT_MISMATCH",
    });
  });

  test("never throws, whatever a server put where", () => {
    const broken = fc.oneof(fc.anything(), fc.constant(undefined));
    const names = fc.constantFrom(
      "leafIndex",
      "hash",
      "canonical",
      "membershipProof",
      "checkpoint",
      "consistencyProof",
    );
    const inner = fc.constantFrom("leafIndex", "treeSize", "leafHash", "rootHash", "path", "fromSize", "toHash");
    fc.assert(
      fc.property(names, inner, broken, (member, innerMember, value) => {
        const claim = { ...newest(3), ...entry(3), [member]: value };
        const proof = { ...claim.membershipProof, ...claim.consistencyProof, [innerMember]: value };
        const inputs: readonly unknown[] = [claim, { ...claim, membershipProof: proof, consistencyProof: proof }];
        for (const input of inputs as readonly (EntryClaim & RootClaim)[]) {
          expect(Object.keys(verifyEntry(log, input))).toHaveLength(4);
          expect(Object.keys(verifyRoot(log, input))).toHaveLength(2);
        }
      }),
      { numRuns: 60 },
    );
  });
});

test("a log cannot be trusted by something that is no key, or under something that is no name", () => {
  const identity = { format: "rfc6962", origin: ORIGIN, publicKey: base64(KEY) } as const;
  expect(() => trustLog({ ...identity, publicKey: "key" })).toThrow(TypeError);
  expect(() => trustLog({ ...identity, origin: "two words" })).toThrow(TypeError);
  expect(() => trustLog(identity)).not.toThrow();
});
