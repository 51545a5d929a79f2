import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { EvidenceError, readEvidence, type Piece } from "../../../src/core/evidence/reader.js";
import { asLines, SmallLog } from "../../cli/evidence.js";

async function* chunksOf(text: string | Uint8Array, bytes: number): AsyncGenerator<Uint8Array> {
  const whole = Buffer.from(text);
  for (let at = 0; at < whole.length; at += bytes) yield await Promise.resolve(whole.subarray(at, at + bytes));
}

async function pieces(text: string | Uint8Array, bytes = 65_536): Promise<readonly Piece[]> {
  const read: Piece[] = [];
  for await (const piece of readEvidence(chunksOf(text, bytes))) read.push(piece);
  return read;
}

describe("evidence", () => {
  test("is read as JSON.parse reads it, in whatever pieces it comes", async () => {
    const item = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 3 }));
    const document = fc.record({
      entries: fc.array(item, { maxLength: 4 }),
      roots: fc.array(item, { maxLength: 2 }),
      other: fc.jsonValue({ maxDepth: 2, stringUnit: "binary" }),
    });
    await fc.assert(
      fc.asyncProperty(document, fc.integer({ min: 1, max: 9 }), fc.nat(2), async (value, bytes, indent) => {
        const text = JSON.stringify(value, null, indent);
        const parsed = JSON.parse(text) as typeof value;
        const read = await pieces(text, bytes);
        const items = (list: string) =>
          read.flatMap((piece) => (piece.kind === "item" && piece.list === list ? [piece.value] : []));
        expect([items("entries"), items("roots")]).toEqual([parsed.entries, parsed.roots]);
        expect(read).toContainEqual({ kind: "member", name: "other", value: parsed.other });
      }),
      { numRuns: 200 },
    );
  });

  test("says where its head ends, before the first of its lines", async () => {
    const { document } = new SmallLog();
    const kinds = (await pieces(asLines(document))).map((piece) => (piece.kind === "item" ? piece.list : piece.kind));
    expect(kinds.slice(-4)).toEqual(["lines", "entries", "entries", "end"]);
    expect((await pieces(JSON.stringify(document))).map(({ kind }) => kind)).not.toContain("lines");
  });

  test("that was cut anywhere is refused, as a document and as lines", async () => {
    const { document } = new SmallLog();
    for (const text of [JSON.stringify(document), asLines(document).trimEnd()]) {
      await expect(pieces(text)).resolves.toBeDefined();
      for (let end = 0; end < text.length; end += 1 + Math.floor(end / 400)) {
        await expect(pieces(text.slice(0, end))).rejects.toThrow(EvidenceError);
      }
    }
  });

  test.each([
    ["a member twice", '{"origin":"a","origin":"b"}', '"origin" stands twice, at byte 22'],
    ["more after its end", '{"roots":[]} {}', "expected nothing more"],
    ["a comma too many", '{"roots":[{},]}', "expected JSON"],
    ["no comma", '{"roots":[{}{}]}', "expected ]"],
    ["a byte order mark", '\ufeff{"roots":[]}', "expected a JSON object"],
    ["a name that is none", "{7:1}", "expected the name of a member"],
    ["another number of lines", '{"entries":"lines"}\n{}\n{"end":2}\n', 'expected {"end":1} after 1 entries'],
    ["no last line", '{"entries":"lines"}\n{}\n', "breaks off after 1 entries"],
    ["a line after the last", '{"entries":"lines"}\n{"end":0}\n{}\n', "expected nothing more"],
    ["roots as lines", '{"roots":"lines"}\n', '"roots" is not a list'],
    ["too many members", JSON.stringify(Object.fromEntries(Array.from({ length: 101 }, (_, i) => [i, i]))), "at most"],
    ["a value too deep", `{"roots":[{"a":${"[".repeat(600)}${"]".repeat(600)}}]}`, "at most 500 deep"],
    ["a value too large", `{"roots":[{"a":"${"x".repeat(8 * 2 ** 20)}"}]}`, "at most 8388608 bytes"],
  ])("with %s is refused, and it says why", async (_, text, complaint) => {
    await expect(pieces(text)).rejects.toThrow(complaint);
  });

  test("that is no UTF-8 is refused", async () => {
    const bytes = Buffer.concat([Buffer.from('{"roots":[{"a":"'), Uint8Array.of(0xff), Buffer.from('"}]}')]);
    await expect(pieces(bytes)).rejects.toThrow("expected JSON");
  });

  test("a value too large is given up before the rest of it is read", async () => {
    let read = 0;
    const endless = async function* () {
      yield await Promise.resolve(Buffer.from('{"roots":["'));
      for (; ; read++) yield Buffer.alloc(2 ** 16, 0x61);
    };
    await expect(readEvidence(endless()).next()).rejects.toThrow("at most");
    expect(read).toBeLessThanOrEqual(129);
  });
});
