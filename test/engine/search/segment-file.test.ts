import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { MAX_BLOCK_BYTES } from "../../../src/core/segment/format.js";
import { SegmentFile } from "../../../src/engine/search/segment-file.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "auditql-segment-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const blockOf = (number: number, length = number === 2 ? 0 : 10 + number): Uint8Array =>
  new Uint8Array(length).fill(number);

test("blocks are read as they were written, whatever their order and length, in runs or alone", async () => {
  const file = await SegmentFile.create(join(folder, "1-0"));
  await file.write([5, 6, 7, 2, 9, 10].map((block) => ({ block, data: blockOf(block) })));
  await file.write([0, 1, 3, 4].map((block) => ({ block, data: blockOf(block) })));
  await file.write([{ block: 8, data: blockOf(8) }]);
  const longest = blockOf(11, 3 * MAX_BLOCK_BYTES);
  await file.write([{ block: 11, data: longest }]);
  expect(await file.read(0, 11)).toEqual(Array.from({ length: 11 }, (_, block) => blockOf(block)));
  expect(await file.read(10, 2)).toEqual([blockOf(10), longest]);
  expect(await file.read(6, 1)).toEqual([blockOf(6)]);
  await expect(SegmentFile.create(join(folder, "1-0"))).rejects.toMatchObject({ code: "EEXIST" });
  await file.remove();
  expect(readdirSync(folder)).toEqual([]);
});
