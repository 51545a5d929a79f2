import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { utf8, nobleSha256 } from "../../../src/core/bytes.js";
import { canonicalJson } from "../../../src/core/json.js";
import { entryTerms, type IndexedEntry, type TermSink } from "../../../src/core/words/entry-terms.js";
import { EntryTokenizer } from "../../../src/core/words/tokenizer.js";
import { hostileEnvelope } from "./hostile-entries.js";

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

function expectSame(canonical: Uint8Array): void {
  const entry: IndexedEntry = { canonical, leafHash: LEAF_HASH };
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
