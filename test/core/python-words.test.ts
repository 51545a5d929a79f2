import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { utf8 } from "../../src/core/bytes.js";
import { canonicalJson } from "../../src/core/json.js";
import { eventTime, FIRST_MS } from "../../src/core/segment/event-time.js";
import { characterClass, CharacterClass, foldedText } from "../../src/core/words/characters.js";
import { entryTerms } from "../../src/core/words/entry-terms.js";
import { words } from "../../src/core/words/words.js";
import { nodeSha256 } from "../../src/keys/node-crypto.js";
import { describeWith } from "../service.js";
import { evaluated, HAS_PYTHON } from "./python-expression.js";
import { customEnvelope, hostileEnvelope, hostileText } from "./words/hostile-entries.js";

const SEED = 20_261_129;
const LEAF_HASH = Uint8Array.from({ length: 32 }, (_, place) => place);

function isAssigned(at: number): boolean {
  return characterClass(at) !== CharacterClass.unassigned && at < 0xf0000;
}

/** In front of an entry whose leaf is hashed as the format pangea does. */
const PANGEA = "pangea:";

/** Every term with its positions, in one order. */
function termsOf(text: string): readonly string[] {
  const found = new Map<string, number[]>();
  const isPangea = text.startsWith(PANGEA);
  const canonical = utf8(isPangea ? text.slice(PANGEA.length) : text);
  entryTerms({ canonical, leafHash: isPangea ? nodeSha256(canonical) : LEAF_HASH }, nodeSha256, {
    term: (term, length, position) => {
      const name = Buffer.from(term.subarray(0, length)).toString("hex");
      found.set(name, [...(found.get(name) ?? []), ...(position < 0 ? [] : [position])]);
    },
    value: () => undefined,
  });
  return [...found].map(([term, positions]) => `${term} ${positions.join(",")}`).sort();
}

describeWith("python3", HAS_PYTHON, () => {
  test("the words of Python are those of core, of every character but those that its Unicode lacks", () => {
    const all = Array.from({ length: 0x110000 }, (_, at) => at).filter((at) => at < 0xd800 || at > 0xdfff);
    // Of what is not assigned, and of private use, some: there are a million of them.
    const characters = all.filter((at) => at % 97 === 0 || (isAssigned(at) && (at < 0xe000 || at > 0xf8ff)));
    const told = evaluated("[known(w.folded, chr(int(at))) for at in input]", characters) as readonly (string | null)[];
    const wrong = characters.filter((at, place) => {
      const own = told[place];
      return own !== null && own !== foldedText(String.fromCodePoint(at));
    });
    expect(wrong).toEqual([]);
    const classes = ["separator", "letter", "alone", "ignorable", "unassigned"];
    const classified = evaluated("[w.class_of(chr(int(at))) for at in input]", characters) as readonly string[];
    expect(characters.filter((at, place) => classified[place] !== classes[characterClass(at)])).toEqual([]);
    const unknown = characters.filter((_, place) => told[place] === null);
    // Python 3.8 has Unicode 12.1; this is what three more versions brought.
    expect(unknown.length).toBeLessThan(12_000);
    expect(unknown.filter((at) => characterClass(at) >= CharacterClass.ignorable)).toEqual([]);
  });

  test(`it cuts a text as core does, or says that it is too old for it (seed ${SEED})`, () => {
    const texts = fc.sample(hostileText, { numRuns: 3_000, seed: SEED });
    const told = evaluated("[known(w.words, text) for text in input]", texts) as readonly (readonly string[] | null)[];
    const known = texts.filter((_, place) => told[place] !== null);
    expect(told.filter((one) => one !== null)).toEqual(known.map(words));
    expect(known.length).toBeGreaterThan(2_500);
  });

  test(`it finds the terms of an entry that core finds (seed ${SEED})`, () => {
    const at = `"received_at":"2026-01-01T00:00:00.000000Z"`;
    const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
    const odd = [
      ...["1e400", "-0", "1.0", "01", "NaN", '{"a":"\\ud800"}', '"\\ud800"', '"\\ud83d\\ude00"', "null", "[]"],
      ...[deep(64), deep(65), deep(3_000), `{"b":1,"a":2}`, `{"a":${deep(65)},"a":1}`, '"\\u0041\\/"'],
    ].flatMap((value) => [
      `{"event":{"message":${value}},${at}}`,
      `{"event":{"message":"m","timestamp":${value}},${at}}`,
    ]);
    const spellings = [
      "",
      "{}",
      "no envelope",
      "\ufeff{}",
      `{"event":{"message":"m"},"received_at":"today"}`,
      ` {"event":{"message":"m"},${at}} `,
    ];
    const honest = fc.sample(hostileEnvelope, { numRuns: 1_500, seed: SEED }).map((value) => canonicalJson(value));
    const own = fc.sample(customEnvelope, { numRuns: 600, seed: SEED }).map((value) => canonicalJson(value));
    const entries = [...odd, ...spellings, ...honest, ...own, ...own.map((entry) => PANGEA + entry)];
    const told = evaluated(
      `[known(lambda: sorted("%s %s" % (term.hex(), ",".join(map(str, at))) for term, at in w.entry_terms(*entry_of(text))[0].items())) for text in input]`,
      entries,
    ) as readonly (readonly string[] | null)[];
    const wrong = entries.filter(
      (entry, i) => told[i] !== null && JSON.stringify(told[i]) !== JSON.stringify(termsOf(entry)),
    );
    expect(wrong).toEqual([]);
    expect(told.filter((one) => one !== null).length).toBeGreaterThan(1_200);
  });

  test(`it reads the time of an event as core does (seed ${SEED})`, () => {
    const digit = fc.constantFrom("0", "1", "2", "3", "4", "5", "9");
    const spelled = fc
      .tuple(
        ...[
          fc.constantFrom("2026", "0000", "9999", "1900", "2000", "2024", "999"),
          fc.constantFrom("-02-29", "-01-01", "-13-01", "-12-31", "-00-10", "-04-31"),
        ],
        ...[
          fc.constantFrom("T", "t", " ", "  "),
          fc.constantFrom("00:00", "23:59", "24:00", "12:60"),
          fc.constantFrom("", ":59", ":60", ":5", ":00.", ":01.5", ":01,1234567", ":07.123456789"),
        ],
        fc.constantFrom("", "Z", "z", "+01:00", "-0130", "+02", "+24:00", "-00:60", "+1"),
      )
      .map((parts) => parts.join(""));
    const number = fc
      .tuple(
        fc.constantFrom("", "-", "+"),
        fc.array(digit, { maxLength: 22 }),
        fc.constantFrom("", ".", ".5", ".1234567", ".٣"),
      )
      .map(([sign, digits, fraction]) => sign + digits.join("") + fraction);
    const texts = fc.sample(fc.oneof(spelled, number), { numRuns: 5_000, seed: SEED });
    const told = evaluated("[w.event_time(text) for text in input]", texts);
    const own = texts.map((text) => {
      const time = eventTime(text);
      return time === undefined ? null : [time.epochMs - FIRST_MS, time.micros];
    });
    expect(told).toEqual(own);
    expect(own.filter((time) => time !== null).length).toBeGreaterThan(500);
  });
});
