import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { canonicalJson } from "../../src/core/json.js";
import { eventWords } from "../../src/query/searchable.js";
import { jsonWords, MAX_WORD_CHARACTERS, words } from "../../src/query/words.js";

const anyText = fc.string({ unit: "binary", maxLength: 60 });

describe("words", () => {
  test.each([
    ["Alice logged IN", ["alice", "logged", "in"], "lower case"],
    ["test-1700.12", ["test", "1700", "12"], "punctuation separates"],
    ["snake_case", ["snake", "case"], "so does the underscore"],
    ["a.b@example.com", ["a", "b", "example", "com"], "an address is a phrase"],
    ["  ", [], "nothing but blanks"],
    ["--- !?", [], "nothing but punctuation"],
    ["👍", [], "an emoji is no letter"],
    ["ﬁle ⅳ ①", ["file", "iv", "1"], "compatibility forms fold"],
    ["ＡＢＣ　１２", ["abc", "12"], "full-width forms fold"],
    ["cafe\u0301 café", ["café", "café"], "composed and decomposed are one"],
    ["Straße", ["straße"], "lower case, not case folding"],
    ["ΟΔΟΣ οδος ΑΣ.Β", ["οδοσ", "οδοσ", "ασ", "β"], "the final sigma is a sigma"],
    ["T\u0308 \u1e97 J\u030c \u01f0", ["\u1e97", "\u1e97", "\u01f0", "\u01f0"], "lower case may compose"],
    ["İstanbul", ["i\u0307stanbul"], "a letter whose lower case is two characters"],
    ["東京都 タワー", ["東", "京", "都", "タ", "ワ", "ー"], "each ideograph is a word"],
    ["2024年report", ["2024", "年", "report"], "an ideograph ends a run"],
    ["한국어 텍스트", ["한국어", "텍스트"], "Korean has blanks"],
    ["हिन्दी", ["हिन्दी"], "marks belong to their word"],
    ["de\u200blete so\u00adft", ["delete", "soft"], "unseen characters hide nothing"],
    ["❤️ ok", ["ok"], "a variation selector is no word"],
    ["a\ud800b", ["a", "b"], "a lone surrogate separates"],
    ["𝕏 😀 𐐀", ["x", "𐐨"], "characters beyond 16 bits"],
  ])("of %j are %j: %s", (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  test("are cut after 128 characters, counted as characters", () => {
    expect(words("a".repeat(300))).toEqual(["a".repeat(MAX_WORD_CHARACTERS)]);
    expect(words("𐐀".repeat(300))).toEqual(["𐐨".repeat(MAX_WORD_CHARACTERS)]);
  });

  test("cut again are the same words", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(words(words(text).join(" "))).toEqual(words(text));
      }),
    );
  });

  test("of every single character are stable when cut again", () => {
    const unstable: number[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      const once = words(`a${String.fromCodePoint(point)}b`).join(" ");
      if (words(once).join(" ") !== once) unstable.push(point);
    }
    expect(unstable).toEqual([]);
  });

  test("do not depend on upper and lower case of ASCII", () => {
    const ascii = fc.string({ unit: "binary-ascii" });
    fc.assert(
      fc.property(ascii, (text) => {
        expect(words(text.toUpperCase())).toEqual(words(text.toLowerCase()));
      }),
    );
  });

  test("of ASCII text are the same beside a word that takes the long way", () => {
    const ascii = fc.string({ unit: "binary-ascii", maxLength: 300 });
    fc.assert(
      fc.property(ascii, (text) => {
        expect(words(`${text} é`)).toEqual([...words(text), "é"]);
      }),
    );
  });
});

describe("the words of an object", () => {
  const object = { b: "two words", a: [1.5, true, null, { Zeta: 'line\nbreak "quoted" C:\\new \u0001x' }] };

  test("are its keys and values in canonical order", () => {
    const expected = "a 1 5 true null zeta line break quoted c new x b two words".split(" ");
    expect(eventWords({ message: object }, "message")).toEqual(expected);
  });

  test("are the words of its keys and values, however their text is escaped", () => {
    const flat = fc.dictionary(anyText, fc.oneof(anyText, fc.boolean(), fc.integer()));
    fc.assert(
      fc.property(flat, (fields) => {
        const wellFormed = JSON.parse(
          JSON.stringify(fields).replaceAll(/\\ud[89a-f][0-9a-f]{2}/g, ""),
        ) as typeof fields;
        const pieces = Object.keys(wellFormed)
          .sort()
          .flatMap((key) => [key, String(wellFormed[key])]);
        expect(jsonWords(canonicalJson(wellFormed))).toEqual(pieces.flatMap(words));
      }),
    );
  });

  test("of an absent field are none", () => {
    expect(eventWords({ message: "x" }, "actor")).toEqual([]);
  });
});
