import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { AuditError } from "../../src/audit/errors.js";
import { globalId, parseGlobalId } from "../../src/graphql/global-id.js";

describe("a global id", () => {
  test("reads back as what it was made from", () => {
    const key = fc.record({
      type: fc.constantFrom("Entry" as const, "Root" as const),
      log: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,20}$/),
      place: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    });
    fc.assert(
      fc.property(key, (made) => {
        expect(parseGlobalId(globalId(made), "id")).toEqual(made);
      }),
    );
  });

  test("has one spelling: every other text is refused where it stands", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        expect(() => parseGlobalId(text, "ids[3]")).toThrow(AuditError);
      }),
    );
  });

  test.each([
    ["padding", `${globalId({ type: "Entry", log: "default", place: 1 })}=`],
    ["an unknown type", Buffer.from("Query:1:default").toString("base64url")],
    ["a leading zero", Buffer.from("Entry:01:default").toString("base64url")],
    ["a sign", Buffer.from("Entry:-1:default").toString("base64url")],
    ["a place beyond 2^53", Buffer.from("Entry:9007199254740992:default").toString("base64url")],
    ["no log", Buffer.from("Entry:1:").toString("base64url")],
  ])("with %s is refused", (_, id) => {
    expect(() => parseGlobalId(id, "id")).toThrow(/^id: expected an id that this API returned, got /);
  });
});
