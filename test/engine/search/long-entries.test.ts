import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { digestBytes, digestOf, equalBytes, utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { LONG_CHARACTERS } from "../../../src/engine/search/log-rows.js";
import { LongEntries } from "../../../src/engine/search/long-entries.js";
import {
  leavesIn,
  matchesOf,
  partsOf,
  Steps,
  type SearchedLog,
  type Sought,
} from "../../../src/engine/search/matches.js";
import { matches } from "../../../src/query/filter.js";
import { parseQuery } from "../../../src/query/parser.js";

let long: LongEntries;
beforeAll(() => {
  long = new LongEntries();
});
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

  test("is cut once for all who ask of it, and again where that failed", async () => {
    const parsed = parseQuery("night");
    if (parsed.kind !== "parsed") throw new Error("night");
    const ports = (): number => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
    const before = ports();
    const other = { canonical, hash: digestOf(new Uint8Array(32)) };
    const cut = long.matches(parsed.filter, other, new Steps());
    const refused = expect(cut).rejects.toThrow("has ended");
    await new Promise(setImmediate);
    await long.close();
    await refused;
    expect(await long.matches(parsed.filter, other, new Steps())).toBe(true);
    const again = long.matches(parsed.filter, other, new Steps());
    await new Promise(setImmediate);
    expect(ports()).toBe(before); // no thread is asked
    expect(await again).toBe(true);
  });

  test("is not waited for by who does not want it any more", async () => {
    const parsed = parseQuery("night");
    if (parsed.kind !== "parsed") throw new Error("night");
    const steps = new Steps(AbortSignal.abort(new Error("gone")));
    await expect(long.matches(parsed.filter, entry, steps)).rejects.toThrow("gone");
  });
});

describe("a long entry among short ones", () => {
  /** Searches three entries, the second of which is long, for what a thread says of it. */
  async function found(filter: Sought["filter"], isMatch: Sought["isMatch"], said: boolean): Promise<object> {
    const texts = ["one", canonical, "three"];
    const asked: string[] = [];
    const searched: SearchedLog = {
      ...{ log: "default", signal: undefined },
      entries: (leaves) =>
        Promise.resolve(
          leaves.map((leaf) => {
            const text = texts[leaf] ?? "";
            return { kind: "entry", entry: { canonical: text, hash: digestOf(format.leafHash(utf8(text))) } };
          }),
        ),
      longEntries: { matches: (_, of) => (asked.push(of.hash), Promise.resolve(said)) },
      parts: partsOf({ start: 0, end: 3 }, [], []),
    };
    const leaves: number[] = [];
    for await (const some of matchesOf({ filter, isMatch }, searched, false)) leaves.push(...leavesIn(some));
    return { leaves, asked };
  }

  test.each([true, false])("is a match where the thread says so: %j", async (said) => {
    const word: Sought["filter"] = { kind: "phrase", field: undefined, words: ["night"], prefix: false };
    const leaves = said ? [0, 1, 2] : [0, 2];
    expect(await found(word, ({ leafIndex }) => leafIndex !== 1, said)).toEqual({ leaves, asked: [entry.hash] });
  });

  test("is found by its hash without being cut into words", async () => {
    const hash = digestBytes(entry.hash);
    const isMatch: Sought["isMatch"] = ({ leafHash }) => equalBytes(leafHash, hash);
    expect(await found({ kind: "leaf", hash }, isMatch, false)).toEqual({ leaves: [1], asked: [] });
  });
});
