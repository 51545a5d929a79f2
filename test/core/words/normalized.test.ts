import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { CharacterClass } from "../../../src/core/words/characters.js";
import { normalized } from "../../../src/core/words/normalized.js";
import { classFromSource, CODE_POINTS } from "./unicode-source.js";

const FORMS = ["NFD", "NFKD"] as const;

/** Those of which a run must be put in order, whatever they are. */
const marks = Array.from({ length: CODE_POINTS }, (_, at) => at)
  .filter((at) => classFromSource(at) < CharacterClass.ignorable)
  .map((at) => String.fromCodePoint(at))
  .filter((character) => isNonstarter(Array.from(character.normalize("NFKD"))[0] ?? ""));

/** Its combining class is not 0: it changes places with a mark of the lowest class, or one of the highest does with it. */
function isNonstarter(character: string): boolean {
  return [character + "\u0334", "\u0345" + character].some((pair) => pair.normalize("NFD") !== pair);
}

test("every mark that Unicode puts in order is known", () => {
  expect(marks.length).toBeGreaterThan(900);
  for (const mark of marks) {
    const run = (mark + "\u0334").repeat(20);
    expect(normalized(run, "NFKD")).toBe(run.normalize("NFKD"));
  }
});

test("marks are put in the order of the platform's normalization, many in a row and few", () => {
  const mark = fc.oneof(
    fc.constantFrom(...marks),
    fc.constantFrom("\u0334", "\u0345", "\u0344", "\u0f73", "\uff9e", "\u0301", "\u0316"),
    fc.constantFrom("\u0903", "\u20dd", "\u0488"), // marks that nothing passes
  );
  const piece = fc.oneof(
    fc.array(mark, { maxLength: 100 }).map((all) => all.join("")),
    fc.string({ unit: "grapheme", maxLength: 4 }),
    fc.constantFrom("é", "ΐ", "\u1e69", "\ufdfa"),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), fc.constantFrom(...FORMS), (pieces, form) => {
      const text = pieces.join("");
      expect(normalized(text, form)).toBe(text.normalize(form));
    }),
    { numRuns: 1_000 },
  );
});

test("marks of many classes are put in order, wherever in their row they begin", () => {
  // Of classes 240, 1, 230, 8, 220, 9, 202, 232, 10, 216, 84, 233, and some of the same.
  const classes = "\u0345\u0334\u0301\u3099\u0316\u094d\u0327\u0315\u05b0\u031b\u0c55\u0302\u0323";
  for (let first = 0; first < classes.length; first++) {
    const turned = classes.slice(first) + classes.slice(0, first);
    for (const row of [turned, Array.from(turned).reverse().join("")])
      expect(normalized(`e${row.repeat(4)}`, "NFD")).toBe(`e${row.repeat(4)}`.normalize("NFD"));
  }
});

test("a quarter of a million marks are put in order", () => {
  const some = 2 ** 17;
  const text = `e${"\u0315\u0300".repeat(some)}`; // minutes by insertion
  expect(normalized(text, "NFD")).toBe(`e${"\u0300".repeat(some)}${"\u0315".repeat(some)}`);
});
