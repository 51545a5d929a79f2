import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { CharacterClass, characterClass, foldedText } from "../../../src/core/words/characters.js";
import { MAX_WORD_BYTES, valueWords, words } from "../../../src/core/words/words.js";
import { classFromSource, CODE_POINTS, foldingFromSource } from "./unicode-source.js";

describe("the characters of words", () => {
  test("have the classes of the pinned Unicode, every code point", () => {
    const wrong: number[] = [];
    for (let at = 0; at < CODE_POINTS; at++) if (characterClass(at) !== classFromSource(at)) wrong.push(at);
    expect(wrong).toEqual([]);
  });

  test("are folded as the pinned Unicode folds them on this version of JavaScript, every code point", () => {
    const wrong: number[] = [];
    for (let at = 0; at < CODE_POINTS; at++) {
      const kind = classFromSource(at);
      if (kind === CharacterClass.unassigned || isPrivateUse(at)) continue;
      const folded = foldedText(characterAt(at));
      // What is unassigned or ignorable after folding would make words differ between engines.
      const isStable = Array.from(folded).every(
        (character) => classFromSource(character.codePointAt(0) ?? 0) < CharacterClass.ignorable,
      );
      if (folded !== plainlyFolded(at) || !isStable) wrong.push(at);
    }
    expect(wrong).toEqual([]);
  });

  test("are blanks where nothing is assigned, and stay as they are for private use, every code point", () => {
    // Many at once, which is a tenth of the time: none of them combines with another.
    for (let start = 0; start < CODE_POINTS; start += 0x1000) {
      const all = Array.from({ length: 0x1000 }, (_, place) => start + place);
      const unassigned = all.filter((at) => classFromSource(at) === CharacterClass.unassigned);
      const own = all.filter((at) => isPrivateUse(at) && classFromSource(at) !== CharacterClass.unassigned);
      expect(foldedText(unassigned.map(characterAt).join(""))).toBe(" ".repeat(unassigned.length));
      expect(foldedText(own.map(characterAt).join(""))).toBe(own.map(characterAt).join(""));
    }
  });

  test("are not changed by a later Unicode: what it assigns separates", () => {
    // U+A7CB, a letter since Unicode 16 whose lower case is U+0264; U+10EC2, a letter since Unicode 16.
    expect(words("a\ua7cbb")).toEqual(["a", "b"]);
    expect(words("a\u{10ec2}b")).toEqual(["a", "b"]);
  });
});

describe("words, edition 2", () => {
  test.each<[string, readonly string[]]>([
    ["", []],
    ["--- _ !", []],
    ["Straße STRASSE", ["strasse", "strasse"]],
    ["ΣΊΣΥΦΟΣ Σίσυφος", ["σίσυφοσ", "σίσυφοσ"]],
    ["ﬁ Ａ", ["fi", "a"]],
    ["İ I ı", ["i̇", "i", "ı"]],
    ["cafe\u0301 café", ["café", "café"]],
    ["snake_case alice@example.com", ["snake", "case", "alice", "example", "com"]],
    ["zero\u200bwidth so\u00adft", ["zerowidth", "soft"]],
    ["東京タワー", ["東", "京", "タ", "ワ", "ー"]],
    ["ab東cd", ["ab", "東", "cd"]],
    ["ไทย", ["ไ", "ท", "ย"]],
    ["ລາວ ខ្មែរ မြန်", Array.from("ລາວខ្មែរမြန်")],
    ["10.0.0.1 ::1", ["10", "0", "0", "1", "1"]],
    ["2026-03-01T12:30:05Z", ["2026", "03", "01", "12", "30", "05", "z"]],
    ["at 2026-03-01t12:30:05.250z.", ["at", "2026", "03", "01", "12", "30", "05", "250", "z"]],
    ["2026-03-01T12:30+02:00", ["2026", "03", "01", "12", "30", "02", "00"]],
    ["2026-03-01T1", ["2026", "03", "01", "1"]],
    ["2026-03-01Tx 05z 12:30:05zone", ["2026", "03", "01tx", "05z", "12", "30", "05zone"]],
    ["..%2Fetc%2fpasswd", ["etc", "passwd"]],
    ["dana%40example.com", ["dana", "example", "com"]],
    ["a%252Fb", ["a", "b"]],
    ["caf%C3%A9s", ["caf", "s"]],
    ["100%additional 5%50 100%25", ["100", "additional", "5", "50", "100"]],
    [String.raw`a\u0026b \\u0026c`, ["a", "b", "c"]],
    [String.raw`one\ntwo`, ["one", "ntwo", "two"]],
    [String.raw`C:\Users\nina\temp`, ["c", "users", "nina", "ina", "temp", "emp"]],
    [String.raw`a\n \nö`, ["a", "n", "nö", "ö"]],
  ])("of %j are %j", (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  test("are found again behind any escape", () => {
    for (const escape of ["%20", "%2F", "%3a", "%40", "%E4%BD%A0", "%252F", String.raw`\u000a`, String.raw`\n`])
      expect(words(`first${escape}second`)).toContain("second");
  });

  test("are cut after 128 characters and before 256 bytes", () => {
    expect(words("x".repeat(500))).toEqual(["x".repeat(128)]);
    expect(words("я".repeat(500))).toEqual(["я".repeat(127)]);
    const [devanagari = ""] = words("न".repeat(500));
    expect(new TextEncoder().encode(devanagari).length).toBe(MAX_WORD_BYTES);
  });

  test("of JSON are those of its keys, texts and values, in canonical order", () => {
    expect(valueWords({ z: [true, -12.5, null], a: "x\ny\\nz", "k%20l": "日本" })).toEqual([
      "a",
      "x",
      "y",
      "nz",
      "z",
      "k",
      "l",
      "日",
      "本",
      "z",
      "true",
      "12",
      "5",
      "null",
    ]);
  });

  test("are the same in any case", () => {
    const characters = Array.from("aZßẞſςΣσǅǆﬃΐΆŉǰџЏԱև ﬀ٣'-.\u0301");
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...characters), { maxLength: 8 }), (chosen) => {
        const text = chosen.join("");
        expect(words(text.toUpperCase())).toEqual(words(text.toLowerCase()));
      }),
      { numRuns: 1_000, seed: 2 },
    );
  });

  test("are cut from 16 megabytes of one text, which a proof may hold", () => {
    const found = valueWords({ key: "a".repeat(2 ** 24), more: 1 });
    expect(found).toEqual(["key", "a".repeat(128), "more", "1"]);
  });
});

function isPrivateUse(codePoint: number): boolean {
  return (codePoint >= 0xe000 && codePoint < 0xf900) || codePoint >= 0xf0000;
}

function characterAt(codePoint: number): string {
  return String.fromCodePoint(codePoint);
}

/** The folding of one character, written from the source alone. */
function plainlyFolded(codePoint: number): string {
  const kind = classFromSource(codePoint);
  if (kind === CharacterClass.ignorable) return "";
  const fold = (text: string): string =>
    Array.from(text)
      .flatMap((character) => foldingFromSource(character.codePointAt(0) ?? 0) ?? [character.codePointAt(0) ?? 0])
      .map(characterAt)
      .join("");
  return fold(fold(characterAt(codePoint).normalize("NFD")).normalize("NFKD")).normalize("NFKC");
}
