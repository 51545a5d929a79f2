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
  fc.string({ unit: fc.constantFrom('"', ",", "\r", "\n", "=", "+", "'", "a", " ", "é", "＝") }),
);

/** U+0000 is no part of a text file. */
const written = (cell: string): string => cell.replaceAll("\0", "\ufffd");

describe("a CSV record", () => {
  test("is read back as what was written, but for U+0000 and an apostrophe before what would be executed", () => {
    fc.assert(
      fc.property(fc.array(fc.array(text, { minLength: 1, maxLength: 5 }), { maxLength: 5 }), (records) => {
        const read = parseCsv(records.map(csvRecord).join(""));
        expect(read).toHaveLength(records.length);
        for (const [row, cells] of records.entries())
          for (const [column, cell] of cells.map(written).entries())
            expect([cell, `'${cell}`]).toContain(read[row]?.[column]);
      }),
    );
  });

  test.each(["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])("lets no cell begin with %j", (first) => {
    fc.assert(
      fc.property(text, (rest) => {
        const [[cell = ""] = []] = parseCsv(csvRecord([first + rest]));
        expect(cell).toBe(`'${first}${written(rest)}`);
      }),
    );
  });

  test("quotes every line break, so that no reader begins a record inside a cell", () => {
    expect(csvRecord(["a\rb", "a\nb", "a\r\nb"])).toBe('"a\rb","a\nb","a\r\nb"\r\n');
  });

  test("has no U+0000, at which readers of text files end", () => {
    expect(csvRecord(["a\0b", "\0"])).toBe("a\ufffdb,\ufffd\r\n");
  });

  test("leaves what is harmless as it is", () => {
    expect(csvRecord(["0", "a=b", "it's", "", 'say "hi"', "a,b", "two\nlines"])).toBe(
      '0,a=b,it\'s,,"say ""hi""","a,b","two\nlines"\r\n',
    );
  });
});
