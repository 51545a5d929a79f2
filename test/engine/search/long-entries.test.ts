import { afterAll, describe, expect, test } from "@jest/globals";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { LONG_CHARACTERS, LongEntries } from "../../../src/engine/search/long-entries.js";
import { Steps } from "../../../src/engine/search/steps.js";
import { matches } from "../../../src/query/match.js";
import { parseQuery } from "../../../src/query/parser.js";

const long = new LongEntries();
afterAll(() => long.close());

const format = logFormat("rfc6962");
const event = {
  message: `Überweisung ${"é ".repeat(LONG_CHARACTERS)} refused by night`,
  actor: "dana",
  new: { amount: "12 EUR" },
};
const canonical = format.canonicalText({ event, received_at: "2026-03-01T00:00:00.000000Z" });
const entry = { canonical, hash: digestOf(format.leafHash(utf8(canonical))) };

describe("a long entry, whose words a thread cuts,", () => {
  test.each([
    ["überweisung", true],
    ["ÜBERWEISUNG é", true],
    ['"refused by night"', true],
    ['"refused night"', false],
    ["ref*", true],
    ["-actor:dana", false],
    ["actor=dana new:eur", true],
    ["status:*", false],
    ["nothing", false],
  ])("is matched by %j: %j, as a short one is", async (query, expected) => {
    const parsed = parseQuery(query);
    if (parsed.kind !== "parsed") throw new Error(query);
    expect(await long.matches(parsed.filter, entry, new Steps())).toBe(expected);
    expect(matches(parsed.filter, event)).toBe(expected);
  });

  test("is matched after the thread was ended, too", async () => {
    const parsed = parseQuery("night");
    if (parsed.kind !== "parsed") throw new Error("night");
    await long.close();
    expect(await long.matches(parsed.filter, entry, new Steps())).toBe(true);
  });

  test("is not waited for by who does not want it any more", async () => {
    const parsed = parseQuery("night");
    if (parsed.kind !== "parsed") throw new Error("night");
    const steps = new Steps(AbortSignal.abort(new Error("gone")));
    await expect(long.matches(parsed.filter, entry, steps)).rejects.toThrow("gone");
  });
});
