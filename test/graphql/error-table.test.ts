import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { HTTP_STATUS } from "../../src/graphql/error-table.js";

const document = readFileSync(fileURLToPath(new URL("../../../docs/errors.md", import.meta.url)), "utf8");

test("docs/errors.md has every code with its status, no other, and says what each means and what to do", () => {
  const rows = [...document.matchAll(/^\| `([A-Z_]+)` +\| (\d{3}) +\| (\S.*?) +\| (\S.*?) +\|$/gm)];
  expect(Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]))).toEqual(HTTP_STATUS);
  expect(rows).toHaveLength(document.split("\n").filter((line) => line.startsWith("| `")).length);
});
