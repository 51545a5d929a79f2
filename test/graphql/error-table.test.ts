import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ERRORS } from "../../src/graphql/error-table.js";

const document = readFileSync(fileURLToPath(new URL("../../../docs/errors.md", import.meta.url)), "utf8");

test("docs/errors.md has every code with its status and close code, no other, and says what each means and what to do", () => {
  const rows = [...document.matchAll(/^\| `([A-Z_]+)` +\| (\d{3}) +\| (\d{4}) +\| (\S.*?) +\| (\S.*?) +\|$/gm)];
  const told = rows.map(([, code, status, close]) => [code, { status: Number(status), close: Number(close) }]);
  expect(Object.fromEntries(told)).toEqual(ERRORS);
  expect(rows).toHaveLength(document.split("\n").filter((line) => line.startsWith("| `")).length);
});
