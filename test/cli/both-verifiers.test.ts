import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noteSigner } from "../../src/core/checkpoint.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { describeWith } from "../service.js";
import { asLines, KEY, ORIGIN, SmallLog } from "./evidence.js";
import { ended, HAS_PYTHON, VERIFIERS } from "./verifiers.js";

const honest = new SmallLog().document;
const forged = new SmallLog("lie", noteSigner(ORIGIN, new Uint8Array(32).fill(4), nobleEd25519)).document;
const text = JSON.stringify(honest);
const { entries, ...head } = honest;

/** Evidence of one entry after another, larger together than a verifier may keep, and none of them small. */
function* endless(kind: "document" | "lines", count: number): Generator<string> {
  const entry = JSON.stringify({ ...entries[0], note: "x".repeat(2 ** 18) });
  const opening = JSON.stringify(head).slice(0, -1);
  yield kind === "lines" ? `${opening},"entries":"lines"}\n` : `${opening},"entries":[${entry}`;
  for (let i = 0; i < count; i++) yield kind === "lines" ? `${entry}\n` : `,${entry}`;
  yield kind === "lines" ? `{"end":${count}}\n` : "]}";
}

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

  describe.each(VERIFIERS)("$name", ({ command, bounded }) => {
    test.each([
      ["an honest document under its key", text, ["--key", KEY], 0],
      ["honest lines under their key", asLines(honest), ["--key", KEY], 0],
      ["an honest document without a key", text, [], 3],
      ["a forged log of the same name under the honest key", JSON.stringify(forged), ["--key", KEY], 1],
      ["a forged log under the key that it brings along", JSON.stringify(forged), [], 3],
      [
        "entries whose proofs were left out",
        JSON.stringify({ ...honest, entries: [{ ...entries[0], membershipProof: null }] }),
        [],
        1,
      ],
      [
        "an entry that could not be shown",
        JSON.stringify({ ...honest, entries: [{ leafIndex: 1, error: "E" }] }),
        [],
        1,
      ],
      ["a document that was cut", text.slice(0, -9), ["--key", KEY], 2],
      ["lines that were cut", asLines(honest).split("\n").slice(0, -2).join("\n"), ["--key", KEY], 2],
      [
        "a changed entry in a document that was cut",
        text.replace("event 0", "event 9").slice(0, -9),
        ["--key", KEY],
        2,
      ],
      ["no JSON", "evidence", ["--key", KEY], 2],
      ["nothing", "", ["--key", KEY], 2],
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
      const lines = endless("lines", 100);
      const { status, stderr } = await ended(["bash", "-c", script, "bash", ...command, "-", "--key", KEY], lines);
      expect([status, stderr.includes("    at ") || stderr.includes("Traceback")]).toEqual([2, false]);
    });

    test.each(["document", "lines"] as const)(
      "checks a %s of 64 MB in memory that would not hold it",
      async (kind) => {
        const outcome = await ended([...bounded, "-", "--key", KEY], endless(kind, 256));
        expect([outcome.status, outcome.stderr.trimEnd()]).toEqual([
          0,
          expect.stringMatching(/^holds under the key [^\n]* invalid$/),
        ]);
      },
      60_000,
    );
  });

  test("both say the same of the same, in the same words", async () => {
    for (const [input, args] of [
      [text, []],
      [JSON.stringify(forged), ["--key", KEY]],
      [asLines(honest), ["--key", KEY]],
    ] as const) {
      const [node, python] = await Promise.all(
        VERIFIERS.map(({ command }) => ended([...command, "-", ...args], [input])),
      );
      expect(node).toEqual(python);
    }
  });
});
