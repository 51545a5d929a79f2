import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { base64, parseBase64 } from "../../src/core/bytes.js";

describe("base64", () => {
  test("spells bytes as everybody does, and reads them back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(base64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(parseBase64(base64(bytes))).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  test("reads a text of megabytes, as that of a proof is, and refuses one", () => {
    const text = Buffer.alloc(16 * 2 ** 20, "audit").toString("base64");
    expect(parseBase64(text)?.length).toBe(16 * 2 ** 20);
    expect(parseBase64(`${text.slice(0, -1)}-`)).toBeUndefined();
  });

  test.each([
    ["no padding", "QQ"],
    ["half the padding", "QQ="],
    ["too much padding", "QQ==="],
    ["padding alone", "===="],
    ["stray last bits", "QR=="],
    ["a blank", "QQ= ="],
    ["a trailing newline", "QQ==\n"],
    ["the URL alphabet", "_-8="],
    ["text after padding", "QQ==QQ=="],
  ])("refuses %s", (_, text) => {
    expect(parseBase64(text)).toBeUndefined();
  });

  test("reads nothing but its own spelling", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("A", "B", "/", "=", " ", "Q"), maxLength: 12 }), (text) => {
        const bytes = parseBase64(text);
        if (bytes !== undefined) expect(base64(bytes)).toBe(text);
      }),
    );
  });
});
