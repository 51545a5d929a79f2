import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { AuditEvent } from "../../src/core/event.js";
import { eventFields } from "../../src/core/custom-field.js";
import { allOf, anyOf, matcherOf, matches, type Filter } from "../../src/query/filter.js";
import { anEvent, aFilter } from "./arbitraries.js";
import { SearchableEvent } from "../../src/core/words/entry-terms.js";

const event: AuditEvent = {
  message: "Alice logged in from home",
  actor: "alice@example.com",
  action: "log in",
  new: { role: "admin", tags: ["blue", 7] },
  status: "",
};

const phrase = (words: string, field?: keyof AuditEvent, prefix = false): Filter => ({
  kind: "phrase",
  field,
  words: words.split(" "),
  prefix,
});
const exact = (field: keyof AuditEvent, value: string): Filter => ({ kind: "exact", field, value });
const not = (filter: Filter): Filter => ({ kind: "not", filter });

describe("a phrase", () => {
  test.each<[string, Filter, boolean]>([
    ["finds a word in any field", phrase("example"), true],
    ["finds a whole word only", phrase("logge"), false],
    ["finds the beginning of a word as a prefix", phrase("logge", undefined, true), true],
    ["does not find the end of a word as a prefix", phrase("gged", undefined, true), false],
    ["finds words next to each other", phrase("logged in from"), true],
    ["does not find words apart", phrase("logged from"), false],
    ["does not find words in another order", phrase("in logged"), false],
    ["takes the last word alone as a prefix", phrase("alice log", "message", true), true],
    ["needs the words before the prefix whole", phrase("alic log", "message", true), false],
    ["looks in its field only", phrase("home", "actor"), false],
    ["does not span two fields", phrase("home alice"), false],
    ["finds a key and its value in an object", phrase("role admin", "new"), true],
    ["finds a number in an object", phrase("blue 7", "new"), true],
    ["finds nothing in an absent field", phrase("alice", "target"), false],
    ["does not span two fields by its prefix", phrase("home alic", undefined, true), false],
    ["finds the first word of a later field", phrase("log in"), true],
  ])("%s", (_, filter, expected) => {
    expect(matches(filter, event)).toBe(expected);
    expect(matcherOf(filter)(new SearchableEvent(event, eventFields(event)))).toBe(expected);
  });
});

describe("an exact filter", () => {
  test.each<[string, Filter, boolean]>([
    ["matches the whole value", exact("actor", "alice@example.com"), true],
    ["does not match a part", exact("actor", "alice"), false],
    ["minds the case", exact("actor", "Alice@example.com"), false],
    ["compares an object by its canonical text", exact("new", '{"role":"admin","tags":["blue",7]}'), true],
    ["matches the empty text where it is present", exact("status", ""), true],
    ["does not match the empty text where the field is absent", exact("target", ""), false],
  ])("%s", (_, filter, expected) => {
    expect(matches(filter, event)).toBe(expected);
  });
});

test.each<[string, Filter, boolean]>([
  ["a field that is there", { kind: "present", field: "actor" }, true],
  ["a field that is there and empty", { kind: "present", field: "status" }, true],
  ["a field that is absent", { kind: "present", field: "target" }, false],
  ["a time, which it has not", { kind: "time", start: undefined, end: undefined }, false],
])("an event is asked for %s", (_, filter, expected) => {
  expect(matches(filter, event)).toBe(expected);
});

test.each([
  ["2026-03-01T10:00:00Z", true],
  ["2026-03-01T12:00:00.999999+01:00", false],
  ["2026-03-01T09:59:59.999Z", false],
  ["yesterday", false],
])("an event of %s lies within an hour: %j", (timestamp, expected) => {
  const start = { epochMs: Date.parse("2026-03-01T10:00:00Z"), micros: 0 };
  const filter: Filter = { kind: "time", start, end: { ...start, epochMs: start.epochMs + 3_600_000 } };
  expect(matches(filter, { message: "m", timestamp })).toBe(expected);
});

describe("a filter of several", () => {
  const [a, b, c] = [phrase("a"), phrase("b"), phrase("c")];

  test("is flat, and leaves out what matches everything", () => {
    const everything: Filter = { kind: "all" };
    expect(allOf([allOf([a, b]), everything, c])).toEqual({ kind: "and", filters: [a, b, c] });
    expect(anyOf([anyOf([a, b]), c])).toEqual({ kind: "or", filters: [a, b, c] });
    expect(anyOf([a, everything])).toEqual(everything);
    expect(allOf([anyOf([a, b]), c])).toEqual({ kind: "and", filters: [{ kind: "or", filters: [a, b] }, c] });
  });

  test("is the one itself, everything or nothing where there is no choice", () => {
    expect([allOf([a]), anyOf([a]), allOf([]), anyOf([])]).toEqual([a, a, { kind: "all" }, not({ kind: "all" })]);
    expect(allOf([a, a])).toEqual(a);
  });
});

describe("matching", () => {
  const both = fc.tuple(aFilter, aFilter, anEvent);

  test("keeps the laws of De Morgan", () => {
    fc.assert(
      fc.property(both, ([a, b, someEvent]) => {
        const neither = not({ kind: "or", filters: [a, b] });
        const bothNot: Filter = { kind: "and", filters: [not(a), not(b)] };
        expect(matches(neither, someEvent)).toBe(matches(bothNot, someEvent));
      }),
    );
  });

  test("of a filter and of its negation are opposites", () => {
    fc.assert(fc.property(aFilter, anEvent, (a, someEvent) => matches(a, someEvent) !== matches(not(a), someEvent)));
  });

  test("is the same for an event that is held against many filters", () => {
    fc.assert(
      fc.property(fc.array(aFilter, { minLength: 1 }), anEvent, (filters, someEvent) => {
        const prepared = new SearchableEvent(someEvent, eventFields(someEvent));
        for (const filter of filters) expect(matcherOf(filter)(prepared)).toBe(matches(filter, someEvent));
      }),
    );
  });

  test("of everything is always true", () => {
    fc.assert(fc.property(anEvent, (someEvent) => matches({ kind: "all" }, someEvent)));
  });

  test("asks for equal operands once, which never changes what matches", () => {
    const repeated = fc
      .array(aFilter, { minLength: 1, maxLength: 4 })
      .chain((filters) => fc.shuffledSubarray([...filters, ...filters], { minLength: filters.length }));
    fc.assert(
      fc.property(repeated, anEvent, (filters, someEvent) => {
        expect(matches(allOf(filters), someEvent)).toBe(filters.every((filter) => matches(filter, someEvent)));
        expect(matches(anyOf(filters), someEvent)).toBe(filters.some((filter) => matches(filter, someEvent)));
        expect(allOf([...filters, ...filters])).toEqual(allOf(filters));
        expect(anyOf([...filters, ...filters])).toEqual(anyOf(filters));
      }),
    );
  });

  test("in any field is matching in one of the fields", () => {
    const fields = ["message", "actor", "target"] as const;
    const word = fc.constantFrom("alice", "log", "x1");
    fc.assert(
      fc.property(word, anEvent, (text, { message, actor, target }) => {
        const some: AuditEvent = {
          message,
          ...(actor !== undefined && { actor }),
          ...(target !== undefined && { target }),
        };
        expect(matches(phrase(text), some)).toBe(fields.some((field) => matches(phrase(text, field), some)));
      }),
    );
  });
});
