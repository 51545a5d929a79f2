import { describe, expect, test } from "@jest/globals";
import type { AuditService, EntryOutcome } from "../../src/audit/service.js";
import { EntryReads } from "../../src/graphql/context.js";
import { logMessages, openTestService } from "../engine/test-log.js";
import { replaced } from "./watched.js";

const ALL = Array.from({ length: 2_500 }, (_, leafIndex) => leafIndex);

async function filled(): Promise<AuditService> {
  const service = await openTestService();
  for (let left = ALL.length; left > 0; left -= 500) await logMessages(service, 500);
  return service;
}

const indexesOf = (outcomes: readonly EntryOutcome[]): readonly (number | undefined)[] =>
  outcomes.map((outcome) => (outcome.kind === "entry" ? outcome.entry.leafIndex : undefined));

describe("the entries that a request reads", () => {
  test("are all there, in the order asked, 250 read at a time and never two reads at once", async () => {
    const service = await filled();
    const sizes: number[] = [];
    let running = 0;
    const entries: AuditService["entries"] = async (log, leafIndexes) => {
      expect(++running).toBe(1);
      sizes.push(leafIndexes.length);
      const read = await service.entries(log, leafIndexes);
      running--;
      return read;
    };
    const reads = new EntryReads(replaced(service, { entries }));
    const [all, some] = await Promise.all([reads.read("default", ALL), reads.read("default", [7, 3])]);
    expect(indexesOf(all)).toEqual(ALL);
    expect(indexesOf(some)).toEqual([7, 3]);
    expect(sizes).toEqual([...Array<number>(10).fill(250), 2]);
  });

  test("may have so many characters together: the read that has one more is refused, and so is every later one", async () => {
    const service = await filled();
    const [first] = await service.entries("default", [0]);
    const characters = first?.kind === "entry" ? first.entry.canonical.length : 0;
    const reads = new EntryReads(service, 2 * characters);
    expect(indexesOf(await reads.read("default", [0]))).toEqual([0]);
    expect(indexesOf(await reads.read("default", [0]))).toEqual([0]);
    const refusal = { code: "BAD_USER_INPUT", message: expect.stringMatching(/ask for fewer at once\.$/) };
    await expect(reads.read("default", [0])).rejects.toMatchObject(refusal);
    await expect(reads.read("default", [])).rejects.toMatchObject(refusal);
  });

  test("are refused before more of them are read than was too much", async () => {
    const service = await filled();
    let read = 0;
    const entries: AuditService["entries"] = (log, leafIndexes) => {
      read += leafIndexes.length;
      return service.entries(log, leafIndexes);
    };
    const reads = new EntryReads(replaced(service, { entries }), 100);
    await expect(reads.read("default", ALL)).rejects.toThrow("in total");
    await expect(reads.read("default", ALL)).rejects.toThrow("in total");
    expect(read).toBe(250);
  });

  test("do not keep the next read from being tried when one fails", async () => {
    const service = await filled();
    const reads = new EntryReads(service);
    await expect(reads.read("none", [0])).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(indexesOf(await reads.read("default", [0]))).toEqual([0]);
  });
});
