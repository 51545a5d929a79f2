import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noteSigner } from "../../src/core/checkpoint.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { describeWith } from "../service.js";
import { asLines, KEY, ORIGIN, SmallLog } from "./evidence.js";
import { ended, HAS_PYTHON, verified, verifiedByPython, VERIFIERS, type Verified } from "./verifiers.js";

// Each test waits for several processes, which a busy machine starts slowly.
jest.setTimeout(600_000);

const honest = new SmallLog().document;
const forged = new SmallLog("lie", noteSigner(ORIGIN, new Uint8Array(32).fill(4), nobleEd25519)).document;
const stranger = new SmallLog("event", noteSigner("other.example", new Uint8Array(32).fill(5), nobleEd25519)).document;
const text = JSON.stringify(honest);
const lines = asLines(honest);
const { entries, roots, ...head } = honest;

/** Evidence of one entry after another, larger together than a verifier may keep, and none of them small. */
function* endless(kind: "document" | "lines", count: number): Generator<string> {
  const entry = JSON.stringify({ ...entries[0], note: "x".repeat(2 ** 18) });
  const opening = JSON.stringify({ ...head, roots }).slice(0, -1);
  yield kind === "lines" ? `${opening},"entries":"lines"}\n` : `${opening},"entries":[${entry}`;
  for (let i = 0; i < count; i++) yield kind === "lines" ? `${entry}\n` : `,${entry}`;
  yield kind === "lines" ? `{"end":${count}}\n` : "]}";
}

/** The honest document with other members in it, or in its only entry. */
const withMembers = (members: object): string => JSON.stringify({ ...honest, ...members });
const withEntry = (members: object): string => withMembers({ entries: [{ ...entries[0], ...members }] });
/** The honest document with this spelling in place of every number of the name. */
const spelled = (name: string, number: string): string =>
  text.replace(new RegExp(`"${name}":[0-9]+`, "g"), `"${name}":${number}`);
const lastLine = (line: string): string => lines.replace('{"end":2}', line);
const nested = (levels: number): string =>
  withMembers({ more: 0 }).replace('"more":0', `"more":${"[".repeat(levels)}${"]".repeat(levels)}`);
const manyMembers = (count: number): string =>
  withMembers(Object.fromEntries(Array.from({ length: count - 5 }, (_, i) => [`member${i}`, i])));

/** Evidence, and the exit code under the log's key. */
const CASES: readonly (readonly [name: string, text: string, code: number])[] = [
  ["an honest document", text, 0],
  ["honest lines", lines, 0],
  ["a forged log of the same name", JSON.stringify(forged), 1],
  ["a log of which no key is trusted", JSON.stringify(stranger), 1],
  ["entries whose proofs were left out", withEntry({ membershipProof: null }), 1],
  ["an entry that could not be shown", withMembers({ entries: [{ leafIndex: 1, error: "E" }] }), 1],
  ["entries without roots", JSON.stringify({ ...head, entries }), 1],
  ["roots without entries", JSON.stringify({ ...head, roots }), 0],
  ["a hash in capitals", withEntry({ hash: entries[0]?.hash.toUpperCase() }), 1],
  ["a proof that is no object", withEntry({ membershipProof: 0 }), 1],
  ["a canonical text that is a number", withEntry({ canonical: 5 }), 1],

  ["entries that are null", withMembers({ entries: null }), 2],
  ["roots that are null", withMembers({ roots: null }), 2],
  ["entries that are text", withMembers({ entries: "text" }), 2],
  ["roots in lines", withMembers({ roots: "lines" }), 2],
  ["an entry that is null", withMembers({ entries: [null] }), 2],
  ["an entry that is a list", withMembers({ entries: [[]] }), 2],
  ["no entries and no roots", JSON.stringify(head), 2],
  ["empty lists", withMembers({ entries: [], roots: [] }), 2],
  ["no member", "{}", 2],
  ["a list", "[]", 2],
  ["null", "null", 2],
  ["an unknown format", withMembers({ format: "toString" }), 2],
  ["an origin that is a number", withMembers({ origin: 5 }), 2],
  ["a member that stands twice", text.replace("{", '{"origin":"other",'), 2],
  ["as many members as may be", manyMembers(100), 0],
  ["one member more", manyMembers(101), 2],
  ["as many levels as may be", nested(500), 0],
  ["one level more", nested(501), 2],
  ["many more levels", nested(100_000), 2],

  ["an index with a fraction", spelled("leafIndex", "1.5"), 1],
  ["the indexes of another entry, spelled as floats", spelled("leafIndex", "0.0"), 1],
  ["a whole index that is spelled as a float", withEntry({}).replaceAll('"leafIndex":0', '"leafIndex":0.0'), 0],
  ["the index minus zero", withEntry({}).replaceAll('"leafIndex":0', '"leafIndex":-0'), 0],
  ["an index below zero", spelled("leafIndex", "-1"), 1],
  ["an index that a double does not hold", spelled("leafIndex", "9007199254740993"), 1],
  ["an index of 400 digits", spelled("leafIndex", "1".repeat(400)), 1],
  ["an index beyond a double", spelled("leafIndex", "1e400"), 1],
  ["indexes that are text", spelled("leafIndex", '"0"'), 1],
  ["indexes that are true", spelled("leafIndex", "true"), 1],
  ["indexes that are null", spelled("leafIndex", "null"), 1],
  ["an entry's index alone that has a fraction", withEntry({ leafIndex: 1.5 }), 1],
  ["an entry without an index", withEntry({ leafIndex: undefined }), 1],
  ["sizes that are spelled as floats", spelled("treeSize", "5.0"), 0],
  ["a size with a fraction", spelled("treeSize", "5.5"), 1],
  ["a size beyond a double", spelled("treeSize", "1e999"), 1],

  ["a last line that counts in floats", lastLine('{"end":2.0}'), 0],
  ["a last line that counts in powers of ten", lastLine('{"end":0.2e1}'), 0],
  ["a last line that counts otherwise", lastLine('{"end":3}'), 2],
  ["a last line that counts more than there can be", lastLine('{"end":1e400}'), 2],
  ["a last line that is true", lastLine('{"end":true}'), 2],
  ["a last line that counts in text", lastLine('{"end":"2"}'), 2],
  ["a line after the last", lastLine('{"end":2}\n{}'), 2],
  ["no last line", lastLine(""), 2],
  ["lines with commas between", lines.replace("}\n{", "},\n{"), 2],

  ["a document that was cut", text.slice(0, -9), 2],
  ["lines that were cut behind an entry, without its line break", lines.slice(0, lines.indexOf('\n{"end"')), 2],
  ["a document that was cut behind an entry", text.slice(0, text.lastIndexOf('],"roots"')), 2],
  ["a changed entry in a document that was cut", text.replace("event 0", "event 9").slice(0, -9), 2],
  ["no JSON", "evidence", 2],
  ["nothing", "", 2],
  ["NaN", withMembers({ more: 0 }).replace('"more":0', '"more":NaN'), 2],
  ["a number that begins with 0", withMembers({ more: 0 }).replace('"more":0', '"more":01'), 2],
  ["a control character in a text", withMembers({ more: "\u0001" }).replace("\\u0001", "\u0001"), 2],
  ["a lone surrogate", withMembers({ more: "\ud800" }), 0],
  ["a byte order mark", `\ufeff${text}`, 2],
  ["a blank that JSON does not have", text.replace("{", "{\f"), 2],
  ["blanks around it", ` \n\t${text}\r\n`, 0],
  ["another document behind it", `${text}{}`, 2],
];

describeWith("python3 and its package cryptography", HAS_PYTHON, () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-verifiers-"));
    await writeFile(join(folder, "honest.json"), text);
    await writeFile(join(folder, "keys.txt"), `# two logs\n\n  ${KEY}\nother+00000000+AAAA\n`);
    await writeFile(join(folder, "trusted.txt"), `# one log\n\n  ${KEY}\n`);
    await writeFile(join(folder, "none.txt"), "# none\n");
  });
  afterAll(() => rm(folder, { recursive: true }));

  describe("both come to the same exit code and the same lines", () => {
    const judged = CASES.flatMap(([name, evidence, code]) => [
      { name: `${name}, under the log's key`, evidence, args: ["--key", KEY], options: { key: KEY }, code },
      { name: `${name}, without a key`, evidence, args: [], options: {}, code: undefined },
    ]);
    let python: readonly Verified[] = [];
    beforeAll(async () => {
      python = await verifiedByPython(judged.map(({ evidence, args }) => ({ text: evidence, args })));
    });

    test.each(judged.map((one, i) => ({ ...one, i })))("on $name", async ({ evidence, options, code, i }) => {
      const node = await verified(evidence, options);
      const other = python[i];
      expect([other?.code, other?.lines]).toEqual([node.code, node.lines]);
      // Why a file could not be checked, each says in its own words.
      if (node.code !== 2) expect(other?.note).toBe(node.note);
      if (code !== undefined) expect(node.code).toBe(code);
      expect(other?.note).not.toContain("Traceback");
    });
  });

  describe("both hold roots against one that the user remembers", () => {
    const [newest] = honest.roots;
    const proof = newest?.consistencyProof;
    const [from, own] = [`${proof?.fromSize} ${proof?.fromHash}`, `${newest?.treeSize} ${newest?.hash}`];
    const unproven = withMembers({ roots: [{ ...newest, consistencyProof: null }] });
    const judged: readonly (readonly [
      name: string,
      evidence: string,
      root: string,
      code: number,
      consistency: string,
    ])[] = [
      ["the root that the proof starts from", text, from, 0, "VALID"],
      ["another root of that size", text, `${proof?.fromSize} ${"0".repeat(64)}`, 1, "INVALID OLD_ROOT_MISMATCH"],
      ["a root of another size", text, `4 ${proof?.fromHash}`, 1, "INVALID OLD_ROOT_MISMATCH"],
      ["a root without a proof from it", unproven, from, 1, "UNKNOWN NO_PROOF"],
      ["the same root, which needs no proof", unproven, own, 0, "VALID"],
      ["another root of its size", unproven, `${newest?.treeSize} ${"0".repeat(64)}`, 1, "INVALID OLD_ROOT_MISMATCH"],
      ["a size alone", text, "3", 2, ""],
      ["a hash in capitals", text, from.toUpperCase(), 2, ""],
      ["the empty tree", text, `0 ${"0".repeat(64)}`, 2, ""],
    ];

    test.each(judged)("with %s", async (...[, evidence, knownRoot, code, consistency]) => {
      const node = await verified(evidence, { key: KEY, knownRoot });
      const [python] = await verifiedByPython([{ text: evidence, args: ["--key", KEY, "--known-root", knownRoot] }]);
      expect([python?.code, python?.lines]).toEqual([node.code, node.lines]);
      expect([node.code, node.lines.find((line) => line.startsWith("roots[0] consistency"))]).toEqual([
        code,
        code === 2 ? undefined : `roots[0] consistency ${consistency}`,
      ]);
      expect(python?.note).not.toContain("Traceback");
    });
  });

  describe.each(VERIFIERS)("$name as a command", ({ command, bounded }) => {
    test.each([
      ["an honest document under its key", text, ["--key", KEY], 0],
      ["honest lines without a key", lines, [], 3],
      ["a forged log of the same name under the honest key", JSON.stringify(forged), ["--key", KEY], 1],
      ["a document that was cut", text.slice(0, -9), ["--key", KEY], 2],
      ["an honest document under what is no key", text, ["--key", "key"], 2],
      ["an unknown option", text, ["--kye", KEY], 2],
      ["a key and a file of keys", text, ["--key", KEY, "--trust", "keys.txt"], 2],
    ])("on %s exits as every verifier does", async (...[, input, args, status]) => {
      expect((await ended([...command, "-", ...args], [input])).status).toBe(status);
    });

    test.each([
      ["trusted.txt", 0, `holds under the key ${KEY}`],
      ["keys.txt", 2, "keys.txt:4: expected a verifier key"],
      ["none.txt", 2, "none.txt holds no key"],
      ["missing.txt", 2, "missing.txt"],
    ])("takes the keys of the file %s, or says what is wrong with it", async (name, status, note) => {
      const outcome = await ended([...command, join(folder, "honest.json"), "--trust", join(folder, name)]);
      expect(outcome).toMatchObject({ status, stderr: expect.stringContaining(note) as unknown });
    });

    test.each(["missing.json", "."])(
      "exits 2 on the file %s, which cannot be read, and says so in one line",
      async (name) => {
        const { status, stdout, stderr } = await ended([...command, join(folder, name), "--key", KEY]);
        expect([status, stdout, stderr.trimEnd().split("\n").length]).toEqual([2, "", 1]);
      },
    );

    test("exits 2 when nobody reads its lines", async () => {
      const script = '"$@" | true; exit "${PIPESTATUS[0]}"';
      const { status, stderr } = await ended(
        ["bash", "-c", script, "bash", ...command, "-", "--key", KEY],
        endless("lines", 100),
      );
      expect([status, stderr.includes("    at ") || stderr.includes("Traceback")]).toEqual([2, false]);
    });

    test.each(["document", "lines"] as const)("checks a %s of 64 MB in memory that would not hold it", async (kind) => {
      const outcome = await ended([...bounded, "-", "--key", KEY], endless(kind, 256));
      expect([outcome.status, outcome.stderr.trimEnd()]).toEqual([
        0,
        expect.stringMatching(/^holds under the key [^\n]* invalid$/),
      ]);
    });
  });
});
