import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { utf8, nobleSha256 } from "../../../src/core/bytes.js";
import { EVENT_FIELDS } from "../../../src/core/event.js";
import { canonicalJson } from "../../../src/core/json.js";
import { entryTerms, type IndexedEntry, type TermSink } from "../../../src/core/words/entry-terms.js";
import { EntryTokenizer } from "../../../src/core/words/tokenizer.js";
import { customEnvelope, hostileEnvelope } from "./hostile-entries.js";

const RECEIVED_AT = "2026-01-01T00:00:00.000000Z";
const LEAF_HASH = Uint8Array.from({ length: 32 }, (_, place) => place);

test("the tokenizer of bytes gives what the definition gives, for hostile events", () => {
  fc.assert(
    fc.property(hostileEnvelope, (value) => {
      expectSame(utf8(canonicalJson(value)));
    }),
    { numRuns: 600, seed: 7 },
  );
});

test("the tokenizer of bytes gives what the definition gives, for fields of a log's own", () => {
  fc.assert(
    fc.property(customEnvelope, fc.boolean(), (value, isPangea) => {
      const bytes = utf8(canonicalJson(value));
      expectSame(bytes, isPangea ? nobleSha256(bytes) : LEAF_HASH);
    }),
    { numRuns: 600, seed: 9 },
  );
});

test("a field of a log's own is found in a log of the format pangea alone, which its leaf hash shows", () => {
  const canonical = utf8(enveloped('"is_ok":true,"message":"m","n":-5,"text":"two words","x-y":"no field"'));
  const own = (leafHash: Uint8Array): readonly string[] => {
    const terms = listed((sink) => {
      new EntryTokenizer(nobleSha256, sink).add({ canonical, leafHash });
    });
    return terms.filter((term) => /0b/.test(term)).sort();
  };
  const hex = (text: string): string => Buffer.from(text).toString("hex");
  expect(own(LEAF_HASH)).toEqual([]);
  expect(own(nobleSha256(canonical))).toEqual(
    [
      ...[`010b${hex("is_ok")}00${hex("true")} -1`, `010b${hex("n")}00${hex("-5")} -1`],
      ...[`010b${hex("text")}00${hex("two words")} -1`, `040b${hex("is_ok")} -1`, `040b${hex("n")} -1`],
      ...[`040b${hex("text")} -1`, `${hex("5")}000b${hex("n")} 0`, `${hex("true")}000b${hex("is_ok")} 0`],
      ...[`${hex("two")}000b${hex("text")} 0`, `${hex("words")}000b${hex("text")} 1`],
    ].sort(),
  );
});

test("the tokenizer of bytes gives what the definition gives, for damaged bytes", () => {
  fc.assert(
    fc.property(hostileEnvelope, fc.nat(), fc.nat(255), (value, at, byte) => {
      const bytes = utf8(canonicalJson(value));
      bytes[at % bytes.length] = byte;
      expectSame(bytes);
    }),
    { numRuns: 600, seed: 8 },
  );
});

test.each([
  `{"event":{"message":"a","message":"b"},"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"message":{"a":1,"a":2}},"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"message":{"b":1,"a":2}},"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"message":[1.0,-0,01]},"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"message":[-0]},"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"message":"a",},"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"message":"a" },"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"message":"\\x"},"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"message":null},"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"actor":"a"},"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"actor":{},"message":"a"},"received_at":"${RECEIVED_AT}"}`,
  `{"event":{"message":"a"},"received_at":"yesterday"}`,
  `{"event":{"message":"a"},"received_at":"${RECEIVED_AT}"} `,
  `{"event":{"message":"a"},"received_at":"${RECEIVED_AT}","x":1}`,
  `{"event":{},"event":{"message":"a"},"received_at":"${RECEIVED_AT}"}`,
  "no envelope at all",
  "",
])("the tokenizer of bytes gives what the definition gives for %s", (canonical) => {
  expectSame(utf8(canonical));
});

/** An event's members in an envelope. */
const enveloped = (members: string): string => `{"event":{${members}},"received_at":"${RECEIVED_AT}"}`;
const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

/** Times, and what is no time by one character. */
const NEAR_TIMES = [
  "2026-01-02T03:04:05.678901Z",
  "2026-01-02t03:04:05z",
  "x2026-01-02T0Z:11Z",
  ":11.1234567890Z",
].flatMap((time) => [
  time,
  ...Array.from(time, (_, at) =>
    ["x", "0", "-", ":", ".", ""].map((other) => time.slice(0, at) + other + time.slice(at + 1)),
  ).flat(),
]);

test("the tokenizer of bytes cuts times, and what is almost one, as the definition does", () => {
  for (const time of NEAR_TIMES) expectSame(utf8(enveloped(`"message":"${time} ${time}"`)));
});

test.each([127, 128, 129, 254, 255, 256, 257])(
  "the tokenizer of bytes cuts a word and a value of %d letters alike",
  (length) => {
    const text = "a".repeat(length);
    for (const value of [text, `x ${text} y`, `${text}ä`])
      expectSame(utf8(enveloped(`"actor":"${value}","message":"m"`)));
  },
);

test.each([
  [
    "every field",
    EVENT_FIELDS.toSorted()
      .map((field) => `"${field}":"v"`)
      .join(","),
    true,
  ],
  ["JSON as message, new and old", '"actor":"a","message":{"a":[1]},"new":[],"old":{}', true],
  ["a text beyond ASCII, which is decoded", '"actor":"ä","message":"m"', true],
  ["a text with an escape", '"actor":"a\\nb","message":"\\""', true],
  ["fields of a log's own", '"actor":"a","message":"m","n":-5,"ok":true,"text":"t"', true],
  ["a field of a log's own out of order", '"actor":"a","b":1,"a":1,"message":"m"', false],
  ["JSON as a field of a log's own", '"actor":"a","message":"m","x":{}', false],
  ["a fraction as a field of a log's own", '"actor":"a","message":"m","x":1.5', false],
  ["a name that no field has", '"actor":"a","message":"m","x-y":1', false],
  ["JSON as another field", '"actor":"a","message":"m","target":{}', false],
  ["a number as its time", '"actor":"a","message":"m","timestamp":1', false],
  ["fields out of order", '"message":"m","actor":"a"', false],
  ["no message", '"actor":"a"', false],
])("the tokenizer of bytes vouches for %s, or not", (_, members, isFast) => {
  expect(takesFastWay(enveloped(members))).toBe(isFast);
  expectSame(utf8(enveloped(members)));
});

test.each([
  ["a key and a signature", `,"public_key":"k","received_at":"${RECEIVED_AT}","signature":"s"}`, true],
  ["a key alone", `,"public_key":"k","received_at":"${RECEIVED_AT}"}`, true],
  ["a signature alone", `,"received_at":"${RECEIVED_AT}","signature":"s"}`, true],
  ["a key with an escape", `,"public_key":"k\\n","received_at":"${RECEIVED_AT}"}`, false],
  ["no time", "}", false],
  ["no end", `,"received_at":"${RECEIVED_AT}"`, false],
  ["a byte more", `,"received_at":"${RECEIVED_AT}"}}`, false],
  ["a key that is no text", `,"public_key":1,"received_at":"${RECEIVED_AT}"}`, false],
  ["a signature that is no text", `,"received_at":"${RECEIVED_AT}","signature":1}`, false],
  ["another member", `,"received_at":"${RECEIVED_AT}","x":1}`, false],
])("the tokenizer of bytes vouches for an envelope with %s, or not", (_, rest, isFast) => {
  const canonical = `{"event":{"actor":"a","message":"m"}${rest}`;
  expect(takesFastWay(canonical)).toBe(isFast);
  expectSame(utf8(canonical));
});

test("the tokenizer of bytes vouches for no time of another shape", () => {
  for (let at = 0; at < RECEIVED_AT.length; at++)
    for (const other of ["x", "", "00", "/", ":"]) {
      const time = RECEIVED_AT.slice(0, at) + other + RECEIVED_AT.slice(at + 1);
      if (time === RECEIVED_AT) continue;
      const canonical = `{"event":{"actor":"a","message":"m"},"received_at":"${time}"}`;
      expect([time, takesFastWay(canonical)]).toEqual([time, false]);
    }
});

test.each([
  ["a lone surrogate in an object", enveloped('"message":{"a":"\\ud800"}')],
  ["a lone surrogate in a text", enveloped('"message":"\\udc00"')],
  ["a lone surrogate in a key", enveloped('"message":{"\\ud800":1}')],
  ["a lone surrogate in an unknown field", enveloped('"message":"m","more":"\\ud800"')],
  ["a number beyond a double", enveloped('"message":[1e400]')],
  ["a time beyond a double", enveloped('"message":"m","timestamp":-1e400')],
  ["65 levels in a field", enveloped(`"message":${deep(65)}`)],
  ["65 levels under a key that stands twice", enveloped(`"message":${deep(65)},"message":"m"`)],
  ["more levels than a stack holds", enveloped(`"message":${deep(50_000)}`)],
])("an entry with %s, which canonical JSON cannot write, is found by its leaf alone", (_, canonical) => {
  expectSame(utf8(canonical));
  const terms = listed((sink) => {
    entryTerms({ canonical: utf8(canonical), leafHash: LEAF_HASH }, nobleSha256, sink);
  });
  expect(terms).toEqual([expect.stringMatching(/^02/)]);
});

test("an entry with 64 levels in a field is found by what it says", () => {
  expectSame(utf8(enveloped(`"message":${deep(64)}`)));
  const found = listed((sink) => {
    entryTerms({ canonical: utf8(enveloped(`"message":${deep(64)}`)), leafHash: LEAF_HASH }, nobleSha256, sink);
  });
  expect(found.length).toBeGreaterThan(1);
});

test("most entries never reach the definition", () => {
  const canonical = utf8(
    canonicalJson({ event: { message: "Alice logged in", actor: "alice" }, received_at: RECEIVED_AT }),
  );
  const terms = listed((sink) => {
    new EntryTokenizer(nobleSha256, sink).add({ canonical, leafHash: LEAF_HASH });
  });
  // The definition takes the fields in the order of EVENT_FIELDS, the tokenizer in that of the bytes.
  expect(terms.findIndex((term) => term.startsWith("value actor"))).toBeLessThan(
    terms.findIndex((term) => term.startsWith("value message")),
  );
});

/** The definition takes the fields in the order of EVENT_FIELDS, message first; the tokenizer in that of the bytes. */
function takesFastWay(canonical: string): boolean {
  const terms = listed((sink) => {
    new EntryTokenizer(nobleSha256, sink).add({ canonical: utf8(canonical), leafHash: LEAF_HASH });
  });
  const place = (field: string): number => terms.findIndex((term) => term.startsWith(`value ${field} `));
  return place("actor") >= 0 && place("actor") < place("message");
}

function expectSame(canonical: Uint8Array, leafHash: Uint8Array = LEAF_HASH): void {
  const entry: IndexedEntry = { canonical, leafHash };
  const defined = listed((sink) => {
    entryTerms(entry, nobleSha256, sink);
  });
  const cut = listed((sink) => {
    new EntryTokenizer(nobleSha256, sink).add(entry);
  });
  expect(cut.sort().join("\n")).toBe(defined.sort().join("\n"));
}

function listed(give: (sink: TermSink) => void): string[] {
  const found: string[] = [];
  give({
    term: (term, length, position) =>
      found.push(`${Buffer.from(term.subarray(0, length)).toString("hex")} ${position}`),
    value: (field, bytes) => found.push(`value ${field} ${Buffer.from(bytes).toString("hex")}`),
  });
  return found;
}
