import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { JsonTokens, TokenSealer } from "../../src/keys/sealed-token.js";

const sealer = new TokenSealer(new Uint8Array(32).fill(1));
const payload = Buffer.from("the whole pin");

describe("a token", () => {
  test("gives back the payload it was made of", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const opened = sealer.open("result", sealer.seal("result", bytes));
        expect(opened).toEqual({ kind: "opened", payload: Buffer.from(bytes) });
      }),
    );
  });

  test("can stand in a URL as it is", () => {
    expect(sealer.seal("result", payload)).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  test("is rejected when any one bit of it is flipped", () => {
    const bytes = Buffer.from(sealer.seal("result", payload), "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = Buffer.from(bytes);
      altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(sealer.open("result", altered.toString("base64url")).kind).toBe("rejected");
    }
  });

  test("is rejected when it was made for another purpose", () => {
    expect(sealer.open("cursor", sealer.seal("result", payload))).toEqual({ kind: "rejected", reason: "altered" });
  });

  test("is rejected when it was made with another secret", () => {
    const other = new TokenSealer(new Uint8Array(32).fill(2));
    expect(other.open("result", sealer.seal("result", payload))).toEqual({ kind: "rejected", reason: "altered" });
  });

  test.each([
    ["nothing", ""],
    ["a word", "cursor"],
    ["a token with padding", `${sealer.seal("result", Buffer.from("a"))}=`],
    ["a token in the other alphabet", `+/${sealer.seal("result", payload)}`],
    ["a megabyte", "A".repeat(1_000_000)],
    ["a token with a blank", ` ${sealer.seal("result", payload)}`],
  ])("is malformed when it is %s", (_name, token) => {
    expect(sealer.open("result", token)).toEqual({ kind: "rejected", reason: "malformed" });
  });

  test("has one spelling: the unused bits of its last character must be as they were made", () => {
    const token = sealer.seal("result", Buffer.from("ab"));
    const last = token.slice(-1);
    const twin = String.fromCharCode(last.charCodeAt(0) + 1);
    expect(Buffer.from(token.slice(0, -1) + twin, "base64url")).toEqual(Buffer.from(token, "base64url"));
    expect(sealer.open("result", token.slice(0, -1) + twin)).toEqual({ kind: "rejected", reason: "malformed" });
  });
});

describe("tokens that carry JSON", () => {
  const tokens = new JsonTokens<{ readonly id: string }>("result", 2);
  const token = tokens.seal(sealer, { id: "one" });

  test("give back what they were made of", () => {
    expect(tokens.open(sealer, token)).toMatchObject({ kind: "opened", content: { id: "one" } });
  });

  test.each([
    ["of another version", new JsonTokens<{ id: string }>("result", 1).seal(sealer, { id: "one" })],
    ["without a version", sealer.seal("result", Buffer.from('"text"'))],
    ["that carries null", sealer.seal("result", Buffer.from("null"))],
    ["that carries no JSON", sealer.seal("result", Buffer.from([0, 1, 2]))],
  ])("are refused with a reason: one %s", (_name, other) => {
    expect(tokens.open(sealer, other)).toEqual({
      kind: "rejected",
      got: "a token of another version of this service",
    });
  });

  test("are refused as other tokens are: an altered one, and what is none", () => {
    const other = new TokenSealer(new Uint8Array(32).fill(2));
    expect(tokens.open(other, token)).toEqual({
      kind: "rejected",
      got: "an altered token, or one made under another key",
    });
    expect(tokens.open(sealer, "")).toEqual({ kind: "rejected", got: "text that is not a token of this service" });
  });
});
