import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { csvRecord } from "../../src/downloads/csv.js";

/** Reads records as RFC 4180 has them; knows nothing of who wrote them. */
function parseCsv(text: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let record: string[] = [];
  let cell = "";
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (isQuoted && char === '"' && text[at + 1] === '"') cell += text.charAt(++at);
    else if (char === '"') isQuoted = !isQuoted;
    else if (!isQuoted && char === ",") {
      record.push(cell);
      cell = "";
    } else if (!isQuoted && char === "\r" && text[at + 1] === "\n") {
      records.push([...record, cell]);
      [record, cell] = [[], ""];
      at++;
    } else cell += char;
  }
  return records;
}

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom('"', ",", ";", "|", "\t", "\r", "\n", "=", "+", "'", "a", " ", "é", "＝") }),
);

/** U+0000 is no part of a text file. */
const written = (cell: string): string => cell.replaceAll("\0", "\ufffd");

/** Whether text is another with nothing but apostrophes put in. */
function isMarked(marked: string, original: string): boolean {
  let at = 0;
  for (const char of marked.split("")) {
    if (char === original[at]) at++;
    else if (char !== "'") return false;
  }
  return at === original.length;
}

/** What readers that separate by something else make of a line, quotes or not. */
const SEPARATORS = [/[;\r\n]/, /[|\r\n]/, /[\t\r\n]/, /[;|\t\r\n]/];

describe("a CSV record", () => {
  const records = fc.array(fc.array(text, { minLength: 1, maxLength: 5 }), { maxLength: 5 });

  test("is read back as what was written, but for U+0000 and apostrophes before what would be executed", () => {
    fc.assert(
      fc.property(records, (rows) => {
        const read = parseCsv(rows.map(csvRecord).join(""));
        expect(read.map((row) => row.length)).toEqual(rows.map((row) => row.length));
        for (const [row, cells] of rows.entries())
          for (const [column, cell] of cells.map(written).entries())
            expect(isMarked(read[row]?.[column] ?? "", cell)).toBe(true);
      }),
    );
  });

  test("has no formula at the beginning of a cell, nor of what another separator makes one", () => {
    fc.assert(
      fc.property(records, (rows) => {
        const cells = parseCsv(rows.map(csvRecord).join("")).flat();
        const parts = SEPARATORS.flatMap((separator) => cells.flatMap((cell) => cell.split(separator)));
        expect([...cells, ...parts].filter((part) => /^[ "]*[=+\-@＝＋－＠]/u.test(part))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ["note;=HYPERLINK(1)", "note;'=HYPERLINK(1)"],
    ["x\t=1+1", "x\t'=1+1"],
    ["a|-1|b", "a|'-1|b"],
    ['a;"=1+1', `a;'"=1+1`],
    ["two\n=1+1", "two\n'=1+1"],
    [" =1+1", "' =1+1"],
  ])("gives %j an apostrophe, also where another separator begins a cell", (value, cell) => {
    expect(parseCsv(csvRecord([value]))).toEqual([[cell]]);
  });

  test.each(["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])("lets no cell begin with %j", (first) => {
    fc.assert(
      fc.property(text, (rest) => {
        const [[cell = ""] = []] = parseCsv(csvRecord([first + rest]));
        expect(cell.startsWith(`'${first}`)).toBe(true);
      }),
    );
  });

  test.each([";", "\n", " ", '"', "; ", "\t"])("takes no longer than a moment over a million of %j", (piece) => {
    const value = piece.repeat(1_000_000);
    const start = performance.now();
    csvRecord([value]);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test("quotes every line break, so that no reader begins a record inside a cell", () => {
    expect(csvRecord(["a\rb", "a\nb", "a\r\nb"])).toBe('"a\rb","a\nb","a\r\nb"\r\n');
  });

  test("has no U+0000, at which readers of text files end", () => {
    expect(csvRecord(["a\0b", "\0"])).toBe("a\ufffdb,\ufffd\r\n");
  });

  test("leaves what is harmless as it is", () => {
    expect(csvRecord(["0", "a=b", "it's", "", 'say "hi"', "a,b", "a;b-c", "two\nlines"])).toBe(
      '0,a=b,it\'s,,"say ""hi""","a,b","a;b-c","two\nlines"\r\n',
    );
  });
});
