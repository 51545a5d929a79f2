import { afterEach, beforeEach, describe, expect, test as anyTest } from "@jest/globals";
import type { AuditService, Entry, EntryOutcome, SignedEvent } from "../../src/audit/service.js";
import { base64, digestBytes, parseDigest, utf8 } from "../../src/core/bytes.js";
import { consistencyVerdict, membershipVerdict, subtreePathsVerdict } from "../../src/core/proof.js";
import { nobleEd25519, publicKeyText, signatureVerdict } from "../../src/core/signature.js";
import { VALID } from "../../src/core/verdict.js";
import { logMessages, message, messages } from "../engine/test-log.js";
import { expectCode, expectProblems, rejection } from "../engine/rejection.js";
import type { ContractTest } from "./contract-test.js";

/** Opens a service, and names an empty log of it. */
export type OpenService = () => Promise<{ readonly service: AuditService; readonly log: string }>;

/** What every engine behind the port AuditService promises. */
export function auditServiceContract(open: OpenService, test: ContractTest = anyTest): void {
  let service: AuditService;
  let log: string;
  beforeEach(async () => {
    ({ service, log } = await open());
  });
  afterEach(async () => {
    await service.close();
  });

  const append = (...events: readonly SignedEvent[]) => service.append({ log, events, sign: false, path: "events" });

  describe("append", () => {
    test("answers the entries in the order given, at consecutive indexes, and a root that holds them", async () => {
      await append(message("before"));
      const { entries, root } = await append(message("one"), message("two"));
      expect(entries.map(({ leafIndex }) => leafIndex)).toEqual([1, 2]);
      expect(entries.map(({ envelope }) => envelope.event.message)).toEqual(["one", "two"]);
      expect(root.treeSize).toBe(3);
    });

    test("answers entries whose hash is that of their canonical text", async () => {
      const { format } = await service.identity(log);
      const { entries } = await append(message("one"), { event: { message: { b: 1, a: [2] }, actor: "bob" } });
      for (const { hash, canonical } of entries) expect(format.leafHash(utf8(canonical))).toEqual(digestBytes(hash));
    });

    test("stamps times that never decrease", async () => {
      const { entries } = await logMessages(service, 50, log);
      const times = entries.map(({ envelope }) => envelope.received_at);
      expect(times).toEqual([...times].sort());
      expect(times[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    });

    test("never gives one index twice to callers at the same time", async () => {
      const receipts = await Promise.all(Array.from({ length: 64 }, (_, i) => append(message(`caller ${i}`))));
      const indexes = receipts.flatMap(({ entries }) => entries.map(({ leafIndex }) => leafIndex));
      expect([...indexes].sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i));
      const outcomes = await service.entries(log, indexes);
      expect(outcomes).toEqual(receipts.flatMap(({ entries }) => entries.map((entry) => ({ kind: "entry", entry }))));
    });

    test("keeps what it was given to the letter", async () => {
      const event = { message: "größe \u{1F600} \u2028", new: { z: [1.5, null, true], "": "x" }, tenant_id: "t" };
      const { entries } = await append({ event });
      expect(entries[0]?.envelope.event).toMatchObject({ message: event.message, tenant_id: "t" });
      expect(onlyEntry(await service.entries(log, [0]))).toEqual(entries[0]);
    });

    test("drops nulls before hashing", async () => {
      const { entries } = await append({ event: { message: "m", actor: null } });
      expect(entries[0]?.envelope.event).toEqual({ message: "m" });
    });
  });

  describe("signatures", () => {
    const seed = new Uint8Array(32).fill(9);
    const publicKey = publicKeyText(nobleEd25519.publicKey(seed));
    const signed = async (event: { readonly message: string }): Promise<SignedEvent> => {
      const text = (await service.identity(log)).format.signedText(event);
      return { event, signature: base64(nobleEd25519.sign(utf8(text), seed)), publicKey };
    };

    test("of callers are verified, kept and part of what is hashed", async () => {
      const event = await signed({ message: "signed" });
      const { entries } = await append(event);
      expect(entries[0]?.envelope).toMatchObject({ signature: event.signature, public_key: publicKey });
    });

    test("are made with the gateway's key where that is asked for, and only where the caller did not sign", async () => {
      const own = await signed({ message: "mine" });
      const events = [own, message("yours")];
      const { entries } = await service.append({ log, events, sign: true, path: "events" });
      const { format } = await service.identity(log);
      expect(entries[0]?.envelope.public_key).toBe(publicKey);
      expect(entries[1]?.envelope.public_key).not.toBe(publicKey);
      for (const { envelope } of entries) expect(signatureVerdict(envelope, format)).toEqual(VALID);
    });

    test("of another event are refused", async () => {
      const { signature } = await signed({ message: "other" });
      const attempt = append({ event: { message: "this" }, signature: signature ?? "", publicKey });
      await expectProblems(attempt, { "events[0].signature": "a signature that does not verify" });
      expect((await service.root(log)).treeSize).toBe(0);
    });

    test("without a key, keys without a signature, and other text in their places are refused", async () => {
      const { signature = "" } = await signed({ message: "m" });
      const event = { message: "m" };
      await expectProblems(append({ event, signature }, { event, publicKey }), {
        "events[0].publicKey": "nothing",
        "events[1].signature": "nothing",
      });
      await expectProblems(append({ event, signature: "??", publicKey }, { event, signature, publicKey: "??" }), {
        "events[0].signature": "other text",
        "events[1].publicKey": "other text",
      });
      await expectProblems(append({ event, signature, publicKey: "k".repeat(257) }), {
        "events[0].publicKey": "257 characters",
      });
    });
  });

  describe("bad events", () => {
    test("are refused as a whole request, with every bad path of every event", async () => {
      const attempt = append(message("fine"), { event: { message: "", actor: 7 } }, { event: { mesage: "x" } });
      const error = await rejection(attempt);
      expect(error.code).toBe("BAD_USER_INPUT");
      const paths = error.problems.map(({ path }) => path);
      expect(paths).toEqual(
        expect.arrayContaining(["events[1].message", "events[1].actor", "events[2].message", "events[2].mesage"]),
      );
      expect((await service.root(log)).treeSize).toBe(0);
    });

    test("are named as `event` where there is one", async () => {
      const attempt = service.append({ log, events: [message("")], sign: false, path: "event" });
      expect((await rejection(attempt)).problems.map(({ path }) => path)).toEqual(["event.message"]);
    });

    test.each([0, 1_001])("are %d of them in one request", async (count) => {
      await expectProblems(append(...messages(count)), { events: String(count) });
    });

    test("are not 1,000 of them", async () => {
      expect((await append(...messages(1_000))).entries).toHaveLength(1_000);
    });
  });

  describe("root", () => {
    test("of a log without entries is signed too", async () => {
      const root = await service.root(log);
      expect(root).toMatchObject({ treeSize: 0, log });
      expect(await service.checkpointVerdict(root)).toEqual(VALID);
    });

    test("is the newest, or that of an earlier size, each under the log's signature", async () => {
      const early = (await logMessages(service, 3, log)).root;
      const late = (await logMessages(service, 4, log)).root;
      expect(await service.root(log)).toEqual(late);
      expect(await service.root(log, 7)).toEqual(late);
      expect(await service.root(log, 3)).toEqual(early);
      for (const root of [early, late, await service.root(log, 5)]) {
        expect(await service.checkpointVerdict(root)).toEqual(VALID);
        expect(parseDigest(root.hash)).toBe(root.hash);
      }
    });

    test("of the empty tree is told of a log that has entries too, as a search of it may be pinned there", async () => {
      const { hash } = await service.root(log, 0);
      await logMessages(service, 3, log);
      const root = await service.root(log, 0);
      expect(root).toMatchObject({ treeSize: 0, log, hash });
      expect(await service.checkpointVerdict(root)).toEqual(VALID);
    });

    test("of an earlier size says when its last entry was received", async () => {
      const { entries } = await logMessages(service, 9, log);
      expect((await service.root(log, 5)).publishedAt).toBe(entries[4]?.envelope.received_at);
    });

    test("with a checkpoint of another size or root is told from a true one", async () => {
      await logMessages(service, 3, log);
      const [two, three] = [await service.root(log, 2), await service.root(log, 3)];
      const mixed = await service.checkpointVerdict({ ...three, checkpoint: two.checkpoint });
      expect(mixed).toEqual({ kind: "INVALID", reason: "CHECKPOINT_MISMATCH" });
      const forged = await service.checkpointVerdict({ ...three, checkpoint: three.checkpoint.replace("3", "4") });
      expect(forged.kind).toBe("INVALID");
    });

    test.each([
      [-1, "BAD_USER_INPUT"],
      [1.5, "BAD_USER_INPUT"],
      [2 ** 53, "BAD_USER_INPUT"],
      [4, "NOT_FOUND"],
      [2 ** 53 - 1, "NOT_FOUND"],
    ] as const)("of size %d in a log of three entries is %s", async (size, code) => {
      await logMessages(service, 3, log);
      await expectCode(service.root(log, size), code);
    });
  });

  describe("entries", () => {
    test("are answered in the order asked, duplicates included, missing ones as missing", async () => {
      const { entries } = await logMessages(service, 3, log);
      const outcomes = await service.entries(log, [2, 0, 7, 2]);
      expect(outcomes.map((outcome) => (outcome.kind === "entry" ? outcome.entry : outcome.kind))).toEqual([
        entries[2],
        entries[0],
        "missing",
        entries[2],
      ]);
    });

    test.each([-1, 0.5, Number.NaN, 2 ** 53])("at index %d are refused", async (leafIndex) => {
      await expectCode(service.entries(log, [leafIndex]), "BAD_USER_INPUT");
    });

    test("are found by their hash as soon as they are logged", async () => {
      const { entries } = await logMessages(service, 5, log);
      const wanted = entries[3];
      expect(wanted && (await service.entryByHash(log, wanted.hash))).toEqual({ kind: "entry", entry: wanted });
    });

    test("are missing under a hash that nobody logged", async () => {
      await logMessages(service, 5, log);
      const hash = parseDigest("0".repeat(64));
      expect(hash && (await service.entryByHash(log, hash))).toEqual({ kind: "missing" });
    });
  });

  describe("proofs", () => {
    test("of membership verify for every leaf at every size", async () => {
      const { format } = await service.identity(log);
      const { entries } = await logMessages(service, 20, log);
      for (let treeSize = 1; treeSize <= 20; treeSize++) {
        const leafIndexes = Array.from({ length: treeSize }, (_, i) => i);
        const { hash } = await service.root(log, treeSize);
        const proofs = await service.membershipProofs({ log, treeSize, leafIndexes });
        for (const [leafIndex, proof] of proofs.entries()) {
          const leaf = entries[leafIndex];
          const told = { leafIndex, treeSize, leafHash: leaf && digestBytes(leaf.hash), rootHash: digestBytes(hash) };
          expect(proof).toMatchObject(told);
          expect(membershipVerdict(format, proof)).toEqual(VALID);
        }
        const hashes = leafIndexes.map((leafIndex) => entries[leafIndex]?.hash ?? hash);
        const verdicts = await service.membershipVerdicts({ log, treeSize, leafIndexes, hashes });
        expect(verdicts).toEqual(leafIndexes.map(() => VALID));
      }
    });

    test("of consistency verify for every pair of sizes, in both forms", async () => {
      const { format } = await service.identity(log);
      await logMessages(service, 12, log);
      for (let toSize = 1; toSize <= 12; toSize++) {
        for (let fromSize = 1; fromSize <= toSize; fromSize++) {
          const proof = await service.consistencyProof({ log, fromSize, toSize });
          expect(consistencyVerdict(format, proof)).toEqual(VALID);
          expect(subtreePathsVerdict(format, proof)).toEqual(VALID);
        }
      }
    });

    test("of sizes and indexes outside the log are refused", async () => {
      await logMessages(service, 3, log);
      const proofs = (treeSize: number, leafIndex: number) =>
        service.membershipProofs({ log, treeSize, leafIndexes: [leafIndex] });
      await expectCode(proofs(4, 0), "NOT_FOUND");
      await expectCode(proofs(0, 0), "BAD_USER_INPUT");
      await expectCode(proofs(3, 3), "BAD_USER_INPUT");
      await expectCode(proofs(3, -1), "BAD_USER_INPUT");
      await expectCode(service.consistencyProof({ log, fromSize: 0, toSize: 3 }), "BAD_USER_INPUT");
      await expectCode(service.consistencyProof({ log, fromSize: 3, toSize: 2 }), "BAD_USER_INPUT");
      await expectCode(service.consistencyProof({ log, fromSize: 1, toSize: 4 }), "NOT_FOUND");
    });

    test("show that every earlier root is a prefix of the newest", async () => {
      await logMessages(service, 5, log);
      await logMessages(service, 4, log);
      for (let size = 1; size <= 9; size++) expect(await service.consistency(log, size)).toEqual(VALID);
      expect(await service.consistency(log, 0)).toEqual({ kind: "UNKNOWN", reason: "EMPTY_TREE" });
    });
  });

  describe("a log that there is not", () => {
    test("is NOT_FOUND everywhere, with the names of those there are", async () => {
      const attempts = [
        service.identity("nope"),
        service.append({ log: "nope", events: messages(1), sign: false, path: "events" }),
        service.root("nope"),
        service.entries("nope", [0]),
        service.membershipProofs({ log: "nope", treeSize: 1, leafIndexes: [0] }),
        service.consistency("nope", 1),
        service.search({ log: "nope", query: "" }, {}),
      ];
      for (const attempt of attempts) {
        const error = await rejection(attempt);
        expect([error.code, error.message]).toEqual(["NOT_FOUND", expect.stringContaining(log)]);
      }
    });
  });
}

function onlyEntry([outcome]: readonly EntryOutcome[]): Entry | undefined {
  return outcome?.kind === "entry" ? outcome.entry : undefined;
}
