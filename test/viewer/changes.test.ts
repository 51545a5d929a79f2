import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { changesOf } from "../../viewer/changes.js";

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => value as null | boolean | number | string);

describe("what changed between two states", () => {
  test("is named member by member, with its path", () => {
    const old = { amount: { eur: 100 }, roles: ["reader"], left: true };
    const now = { amount: { eur: 120 }, roles: ["reader", "writer"], note: "rush" };
    expect(changesOf(old, now)).toEqual([
      { kind: "changed", path: "amount.eur", old: 100, new: 120 },
      { kind: "added", path: "roles[1]", old: undefined, new: "writer" },
      { kind: "removed", path: "left", old: true, new: undefined },
      { kind: "added", path: "note", old: undefined, new: "rush" },
    ]);
  });

  test("is every member of a state that appears or goes", () => {
    expect(changesOf(undefined, { a: 1 })).toEqual([{ kind: "added", path: "a", old: undefined, new: 1 }]);
    expect(changesOf({ a: 1 }, undefined)).toEqual([{ kind: "removed", path: "a", old: 1, new: undefined }]);
    expect(changesOf(undefined, undefined)).toEqual([]);
  });

  test("is the whole value where it is no object", () => {
    expect(changesOf("open", "closed")).toEqual([{ kind: "changed", path: "", old: "open", new: "closed" }]);
  });

  test("is found in JSON that a log of the format pangea keeps as text", () => {
    expect(changesOf('{"a":1}', '{"a":2}')).toEqual([{ kind: "changed", path: "a", old: 1, new: 2 }]);
  });

  test("is nothing exactly where both are the same", () => {
    fc.assert(
      fc.property(json, json, (one, other) => {
        expect(changesOf(one, one)).toEqual([]);
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        if (!isSame && typeof one !== "object" && typeof other !== "object")
          expect(changesOf(one, other)).toHaveLength(1);
      }),
    );
  });
});
