import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  ALL,
  matches,
  MAX_RESTRICTION_VALUES,
  parseRestriction,
  RESTRICTION_FIELDS,
  restrictionAllows,
  restrictionFilter,
} from "../../src/query/filter.js";
import { anEvent } from "./arbitraries.js";

test("a text in place of a list is named as such, however long it is", () => {
  const parsed = parseRestriction({ actor: "a".repeat(MAX_RESTRICTION_VALUES + 1) }, "restriction");
  expect(parsed).toEqual({
    kind: "invalid",
    problems: [{ path: "restriction.actor", expected: "a list of values", got: "text" }],
  });
});

describe("the filter of a restriction", () => {
  test("ORs the values of a field and ANDs the fields", () => {
    expect(restrictionFilter({ status: ["ok"], actor: ["a", "b", "a"] })).toEqual({
      kind: "and",
      filters: [
        {
          kind: "or",
          filters: [
            { kind: "exact", field: "actor", value: "a" },
            { kind: "exact", field: "actor", value: "b" },
          ],
        },
        { kind: "exact", field: "status", value: "ok" },
      ],
    });
  });

  test("on no field lets everything through", () => {
    expect(restrictionFilter({})).toEqual(ALL);
  });

  test("that allows no value of a field lets nothing through", () => {
    const event = { message: "m", actor: "alice" };
    expect(matches(restrictionFilter({ actor: [] }), event)).toBe(false);
    expect(restrictionAllows({ actor: [] }, event)).toBe(false);
  });

  test("lets an event through exactly when every restricted field has one of its values", () => {
    const values = fc.array(fc.constantFrom<string[]>("", "alice", "log in", "LOG"), { minLength: 1, maxLength: 3 });
    const restriction = fc.dictionary(fc.constantFrom(...RESTRICTION_FIELDS), values);
    fc.assert(
      fc.property(restriction, anEvent, (some, event) => {
        const allowed = RESTRICTION_FIELDS.every((field) => {
          const value = event[field];
          return some[field] === undefined || (value !== undefined && some[field].includes(value));
        });
        expect(matches(restrictionFilter(some), event)).toBe(allowed);
        expect(restrictionAllows(some, event)).toBe(allowed);
      }),
    );
  });
});

describe("a restriction from outside", () => {
  test("is read, without its nulls", () => {
    const restriction = { actor: ["a"], tenant_id: ["acme"] };
    const input = { ...restriction, status: null, action: undefined };
    expect(parseRestriction(input, "restriction")).toEqual({ kind: "valid", restriction });
  });

  test("is refused with every bad path at once", () => {
    const input = { actor: [], action: "login", status: ["ok", 7, "a\0"], message: ["x"] };
    expect(parseRestriction(input, "restriction")).toEqual({
      kind: "invalid",
      problems: [
        { path: "restriction.actor", expected: "at least one value, or no list", got: "an empty list" },
        { path: "restriction.action", expected: "a list of values", got: "text" },
        { path: "restriction.status[1]", expected: "text", got: "a number" },
        { path: "restriction.status[2]", expected: "text without lone surrogates and U+0000", got: "U+0000" },
        {
          path: "restriction.message",
          expected: "one of actor, action, source, status, target, tenant_id",
          got: "an unknown field",
        },
      ],
    });
  });

  test.each([null, "actor", 7, ["actor"]])("is refused where it is %j", (input) => {
    expect(parseRestriction(input, "search_restriction")).toMatchObject({
      problems: [{ path: "search_restriction", expected: "an object of lists of values" }],
    });
  });

  test("has at most 256 values in all", () => {
    const half = Array.from({ length: MAX_RESTRICTION_VALUES / 2 }, (_, i) => `v${i}`);
    expect(parseRestriction({ actor: half, target: half }, "restriction").kind).toBe("valid");
    expect(parseRestriction({ actor: half, target: half, status: ["ok"] }, "restriction")).toMatchObject({
      problems: [{ path: "restriction", expected: "at most 256 values in all", got: "257" }],
    });
  });

  test("has values of at most 1,024 characters: no field that it is about is longer", () => {
    const path = "restriction.actor[1]";
    const restriction = (value: string) => parseRestriction({ actor: ["a", value] }, "restriction");
    expect(restriction("\u{1f986}".repeat(1_024)).kind).toBe("valid");
    for (const value of ["\u{1f986}".repeat(1_025), "a".repeat(1_025), "a".repeat(5_000_000)])
      expect(restriction(value)).toMatchObject({
        problems: [{ path, expected: "at most 1024 characters", got: "a longer text" }],
      });
  });

  test("never makes it throw", () => {
    fc.assert(
      fc.property(fc.anything(), (input) => ["valid", "invalid"].includes(parseRestriction(input, "restriction").kind)),
    );
  });
});
