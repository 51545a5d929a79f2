import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ALL } from "../../src/query/ast.js";
import { matches } from "../../src/query/match.js";
import {
  MAX_RESTRICTION_VALUES,
  parseRestriction,
  RESTRICTION_FIELDS,
  restrictionFilter,
} from "../../src/query/restriction.js";
import { anEvent } from "./arbitraries.js";

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
      }),
    );
  });
});

describe("a restriction from outside", () => {
  test("is read, without its nulls, in either spelling of tenant_id", () => {
    const restriction = { actor: ["a"], tenant_id: ["acme"] };
    expect(parseRestriction({ actor: ["a"], tenantId: ["acme"], tenant_id: null })).toEqual({
      kind: "valid",
      restriction,
    });
    expect(parseRestriction(restriction)).toEqual({ kind: "valid", restriction });
  });

  test("is refused with every bad path at once", () => {
    const input = { actor: [], action: "login", status: ["ok", 7, "a\0"], message: ["x"] };
    expect(parseRestriction(input)).toEqual({
      kind: "invalid",
      problems: [
        { path: "restriction.actor", expected: "a list of at least one value", got: "an empty list" },
        { path: "restriction.action", expected: "a list of at least one value", got: "text" },
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

  test("is refused with both spellings of tenant_id, as one of them would be lost", () => {
    expect(parseRestriction({ tenantId: ["a"], tenant_id: ["b"] })).toMatchObject({
      problems: [{ path: "restriction.tenantId", got: "both" }],
    });
  });

  test("has at most 256 values in all", () => {
    const half = Array.from({ length: MAX_RESTRICTION_VALUES / 2 }, (_, i) => `v${i}`);
    expect(parseRestriction({ actor: half, target: half }).kind).toBe("valid");
    expect(parseRestriction({ actor: half, target: half, status: ["ok"] })).toMatchObject({
      problems: [{ path: "restriction", expected: "at most 256 values in all", got: "257" }],
    });
  });

  test("never makes it throw", () => {
    fc.assert(fc.property(fc.anything(), (input) => ["valid", "invalid"].includes(parseRestriction(input).kind)));
  });
});
