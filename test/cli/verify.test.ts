import { describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  DOES_NOT_HOLD,
  HOLDS,
  HOLDS_FOR_KEY_INSIDE,
  UNREADABLE,
  verifyFile,
  type VerifyFlags,
} from "../../src/cli/verify.js";
import { noteSigner, verifierKeyText } from "../../src/core/checkpoint.js";
import { nobleEd25519, publicKeyPem, type Ed25519 } from "../../src/core/signature.js";
import { asLines, KEY, ORIGIN, signer, SIZE, SmallLog } from "./evidence.js";
import { verified } from "./verifiers.js";

const log = new SmallLog();
const whole = log.document;
const forger = noteSigner(ORIGIN, new Uint8Array(32).fill(4), nobleEd25519);

const LINES = [
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
];

describe("auditql verify", () => {
  test("writes a line for each check and a note on all, and exits 0 under the key that was given", async () => {
    expect(await verified(whole, { key: KEY })).toEqual({
      code: HOLDS,
      lines: LINES,
      note: `holds under the key ${KEY}: 8 valid, 2 unknown, 0 invalid`,
    });
  });

  test("says the same in lines of JSON, the last of them what it comes to, and nothing to people", async () => {
    const { code, lines, note } = await verified(whole, { key: KEY, json: true });
    const said = lines.map((line) => JSON.parse(line) as Readonly<Record<string, string | undefined>>);
    const asText = ({ of, check, verdict, reason }: (typeof said)[number]) =>
      [of, check, verdict, reason].filter((word) => word !== undefined).join(" ");
    expect([code, said.slice(0, -1).map(asText), note]).toEqual([HOLDS, LINES, ""]);
    expect(said.at(-1)).toEqual({
      ...{ outcome: "holds", trust: "given", key: KEY },
      ...{ counts: { VALID: 8, UNKNOWN: 2, INVALID: 0 }, proven: [] },
    });
  });

  test("says nothing at all when it is to be quiet, also not how far it is", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "auditql-verify-")), "evidence.json");
    // So long that a bar moves.
    writeFileSync(file, `${" ".repeat(9 * 2 ** 20)}{`);
    const drawnBy = async (flags: VerifyFlags) => {
      const drawn: unknown[] = [];
      const draw = (text: unknown) => drawn.push(text) > 0;
      const output = {
        write: (text: unknown) => Promise.resolve(void draw(text)),
        note: draw,
        bar: { isTTY: true, write: draw },
      };
      expect(await verifyFile(file, { key: KEY, ...flags }, output)).toBe(UNREADABLE);
      return drawn.join("");
    };
    expect([await drawnBy({}), await drawnBy({ quiet: true })]).toEqual([
      expect.stringMatching(/verify: bytes .*\ncannot/s),
      "",
    ]);
    rmSync(dirname(file), { recursive: true });
  });

  test.each<readonly [string, unknown, VerifyFlags, readonly [number, string]]>([
    ["all holds", whole, { key: KEY }, [HOLDS, "holds"]],
    ["it holds for the key inside", whole, {}, [HOLDS_FOR_KEY_INSIDE, "holds-for-key-inside"]],
    ["a proof is missing", { ...whole, roots: [] }, { key: KEY }, [DOES_NOT_HOLD, "does-not-hold"]],
    ["it breaks off", "{", { key: KEY }, [UNREADABLE, "unreadable"]],
    ["the key is none", whole, { key: "key" }, [UNREADABLE, "unreadable"]],
  ])("has one exit code, whichever way it is told, when %s", async (...row) => {
    const [, evidence, flags, [code, outcome]] = row;
    const [json, quiet] = [
      await verified(evidence, { ...flags, json: true }),
      await verified(evidence, { ...flags, quiet: true }),
    ];
    expect(quiet).toEqual({ code, lines: [], note: "" });
    expect([json.code, json.note, JSON.parse(json.lines.at(-1) ?? "")]).toMatchObject([code, "", { outcome }]);
  });

  test("exits 3 when it was given no key, and says which key is inside and how to give one", async () => {
    const { code, lines, note } = await verified(whole);
    expect([code, lines]).toEqual([HOLDS_FOR_KEY_INSIDE, LINES]);
    expect(note).toContain("holds for the key inside the file: 8 valid");
    expect(note).toContain(`The key inside the file is ${KEY}`);
    expect(note).toContain("--key KEY");
  });

  test("takes the key inside as PEM too", async () => {
    const document = { ...whole, publicKey: publicKeyPem(signer.publicKey) };
    expect((await verified(document)).code).toBe(HOLDS_FOR_KEY_INSIDE);
  });

  test("reads lines as it reads a document, wherever its lists stand", async () => {
    const { entries, roots, ...head } = whole;
    for (const evidence of [asLines(whole), { ...head, roots, entries }, { entries, roots, ...head }]) {
      expect(await verified(evidence, { key: KEY })).toMatchObject({ code: HOLDS, lines: LINES });
    }
  });

  test("refuses a whole forged log of the same name, whatever key it brings along", async () => {
    const forged = new SmallLog("lie", forger).document;
    expect((await verified(forged)).code).toBe(HOLDS_FOR_KEY_INSIDE);
    for (const publicKey of [forged.publicKey, KEY, undefined]) {
      const { code, lines } = await verified({ ...forged, publicKey }, { key: KEY });
      expect(code).toBe(DOES_NOT_HOLD);
      expect(lines.filter((line) => line.includes("INVALID"))).toEqual([
        "entries[0] checkpoint INVALID UNKNOWN_KEY",
        "entries[1] checkpoint INVALID UNKNOWN_KEY",
        "roots[0] checkpoint INVALID UNKNOWN_KEY",
      ]);
    }
  });

  test("refuses another log of the operator, who signs all of them with one key", async () => {
    const other = noteSigner("example.com/other", new Uint8Array(32).fill(3), nobleEd25519);
    const { code, lines, note } = await verified(new SmallLog("event", other).document, { key: KEY });
    expect([code, lines.at(-2)]).toEqual([DOES_NOT_HOLD, "roots[0] checkpoint INVALID UNKNOWN_KEY"]);
    expect(note).toContain("of a log of which you gave no key");
  });

  test("needs no origin in the file when it was given one key", async () => {
    expect((await verified({ ...whole, origin: undefined, publicKey: undefined }, { key: KEY })).code).toBe(HOLDS);
  });

  test("exits 1 on a changed entry, and says which check it fails", async () => {
    const changed = { ...log.entry(3), canonical: log.entry(3).canonical.replace("event 3", "event 9") };
    const { code, lines } = await verified({ ...whole, entries: [log.entry(0), changed] }, { key: KEY });
    expect(code).toBe(DOES_NOT_HOLD);
    expect(lines.filter((line) => line.includes("INVALID"))).toEqual(["entries[1] hash INVALID HASH_MISMATCH"]);
  });

  test.each([
    ["the proof is left out", { entries: [{ ...log.entry(0), membershipProof: null }] }],
    ["no root signs the proof's tree", { roots: [] }],
    ["the log hashes otherwise", { format: "pangea" }],
    ["the gateway could not show the entry", { entries: [{ leafIndex: 3, error: "ENTRY_CORRUPT" }] }],
    ["an entry brings a checkpoint of its own", { entries: [{ ...log.entry(0), checkpoint: "1" }], roots: [] }],
  ])("exits 1 when %s, under a given key and without one", async (_, change) => {
    expect((await verified({ ...whole, ...change }, { key: KEY })).code).toBe(DOES_NOT_HOLD);
    expect((await verified({ ...whole, ...change })).code).toBe(DOES_NOT_HOLD);
  });

  test.each([
    ["no JSON", "{", "breaks off at byte 1"],
    ["nothing", "", "expected a JSON object"],
    ["a list", "[]", "expected a JSON object"],
    ["an unknown format", { ...whole, format: "md5" }, '"format" is not one of'],
    ["no key", { ...whole, publicKey: undefined }, '"publicKey" is not a text'],
    ["a key that is none", { ...whole, publicKey: "key" }, "not an Ed25519 key"],
    ["a key of another log", { ...whole, origin: "example.com/other" }, '"publicKey" is of example.com/log'],
    ["an entry that is none", { ...whole, entries: [7] }, "something other than objects"],
    ["nothing to check", { ...whole, entries: [], roots: [] }, "neither entries nor roots"],
    ["roots that are no list", { ...whole, roots: {} }, '"roots" is not a list'],
  ])("exits 2 on %s, and says so", async (_, document, complaint) => {
    const { code, lines, note } = await verified(document);
    expect({ code, lines }).toEqual({ code: UNREADABLE, lines: [] });
    expect(note).toContain(complaint);
  });

  test.each(["", "key", `${KEY}x`, verifierKeyText(signer).replace("example", "exomple")])(
    "exits 2 on the key %j, which is none",
    async (key) => {
      const { code, note } = await verified(whole, { key });
      expect([code, note]).toEqual([UNREADABLE, expect.stringContaining("--key: expected a verifier key")]);
    },
  );

  test("exits 2 on what nobody takes", async () => {
    const output = {
      write: () => Promise.reject(new Error("closed")),
      note: () => undefined,
      bar: { write: () => true, isTTY: false },
    };
    expect(await verifyFile("package.json", { key: KEY }, output)).toBe(UNREADABLE);
  });

  test("checks a signature of the log once, however many entries it is for, and each event's own", async () => {
    let calls = 0;
    const ed25519: Ed25519 = {
      ...nobleEd25519,
      verify: (...args) => {
        calls += 1;
        return nobleEd25519.verify(...args);
      },
    };
    const entries = Array.from({ length: 50 }, (_, i) => log.entry(i % SIZE));
    const evidence = { ...whole, entries, roots: [log.root(SIZE, 2), log.root(SIZE - 1, 2)] };
    expect((await verified(evidence, { key: KEY, ed25519 })).code).toBe(HOLDS);
    expect(calls).toBe(2);
  });

  test("exits 2 on entries that stand before what they are checked with, when they are too many to keep", async () => {
    const { entries, ...head } = whole;
    const many = `{"entries":[${JSON.stringify(entries[0])}${`,{"canonical":"${"x".repeat(2 ** 20)}"}`.repeat(17)}],`;
    const { code, note } = await verified(`${many}${JSON.stringify(head).slice(1)}`, { key: KEY });
    expect([code, note]).toEqual([UNREADABLE, expect.stringContaining('and "roots" must stand before')]);
  });
});
