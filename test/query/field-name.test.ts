import { describe, expect, test } from "@jest/globals";
import { EVENT_FIELDS } from "../../src/core/event.js";
import { fieldMeant, fieldNamed } from "../../src/query/field-name.js";

const LETTERS = ["a", "e", "x"];

/** Every text that one letter left out, added, exchanged or put the other way round makes. */
function edited(text: string): readonly string[] {
  return Array.from({ length: text.length + 1 }, (_, at) => {
    const [before, after] = [text.slice(0, at), text.slice(at)];
    const swapped = before + after.charAt(1) + after.charAt(0) + after.slice(2);
    return [
      swapped,
      before + after.slice(1),
      ...LETTERS.flatMap((x) => [before + x + after, before + x + after.slice(1)]),
    ];
  }).flat();
}

/** Letters left out, added, exchanged or put the other way round: the table of Damerau and Levenshtein. */
function distance(a: string, b: string): number {
  const rows: number[][] = [];
  const at = (i: number, j: number): number => (i < 0 || j < 0 ? Infinity : (rows[i]?.[j] ?? Infinity));
  for (let i = 0; i <= a.length; i++) {
    rows.push([]);
    for (let j = 0; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwapped ? at(i - 2, j - 2) + 1 : Infinity;
      rows[i]?.push(i + j === 0 ? 0 : Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same, swap));
    }
  }
  return at(a.length, b.length);
}

describe("the field that a word means", () => {
  test.each(["message", "actor", "tenant_id", "new"] as const)(
    "is %s for what is as near to it as its length allows",
    (field) => {
      const near = (name: string): string | undefined =>
        EVENT_FIELDS.find((one) => {
          const right = one.replace("_", "");
          return distance(right, name) <= (right.length < 5 ? 0 : right.length === 5 ? 1 : 2);
        });
      const once = edited(field.replace("_", ""));
      const names = new Set([...once, ...once.flatMap(edited).filter((_, at) => at % 7 === 0), field + "xyz"]);
      expect([...names].filter((name) => name !== "tenant" && fieldMeant(name) !== near(name))).toEqual([]);
    },
  );

  test.each([
    ["Actor", "actor"],
    ["NEW", "new"],
    ["TenantID", "tenant_id"],
    ["tenant", "tenant_id"],
    ["time_stamp", "timestamp"],
    ["news", undefined],
    ["", undefined],
    ["id", undefined],
  ])("is what its author meant: %j", (name, field) => {
    expect(fieldMeant(name)).toBe(field);
  });
});

test("a field is named as it is hashed, and as GraphQL spells it", () => {
  expect(EVENT_FIELDS.map((field) => fieldNamed(field))).toEqual(EVENT_FIELDS);
  expect([fieldNamed("tenantId"), fieldNamed("Actor"), fieldNamed("")]).toEqual(["tenant_id", undefined, undefined]);
});
