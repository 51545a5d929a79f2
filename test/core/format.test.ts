import { describe, expect, test } from "@jest/globals";
import { digestOf, utf8 } from "../../src/core/bytes.js";
import { FORMAT_NAMES, logFormat } from "../../src/core/format.js";
import { sha256 } from "./naive-tree.js";

const EVENT = { message: { b: 1, a: "x" }, actor: "bob" };

describe.each(FORMAT_NAMES)("the format %s", (name) => {
  const format = logFormat(name);

  test("hashes the empty tree as SHA-256 of nothing", () => {
    expect(digestOf(format.emptyRoot)).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  test("hashes the same with the platform's SHA-256 as with its own", () => {
    const native = logFormat(name, sha256);
    const leaf = format.leafHash(utf8("leaf"));
    expect(native.leafHash(utf8("leaf"))).toEqual(leaf);
    expect(native.nodeHash(leaf, format.emptyRoot)).toEqual(format.nodeHash(leaf, format.emptyRoot));
  });

  test("refuses to join anything but two hashes of 32 bytes", () => {
    expect(() => format.nodeHash(new Uint8Array(31), new Uint8Array(32))).toThrow(RangeError);
    expect(() => format.nodeHash(new Uint8Array(32), new Uint8Array(33))).toThrow(RangeError);
  });
});

describe("rfc6962", () => {
  const format = logFormat("rfc6962");

  test("keeps an object of an event an object", () => {
    expect(format.canonicalText({ event: EVENT, received_at: "r", signature: "s", public_key: "p" })).toBe(
      '{"event":{"actor":"bob","message":{"a":"x","b":1}},"public_key":"p","received_at":"r","signature":"s"}',
    );
    expect(format.signedText(EVENT)).toBe('{"actor":"bob","message":{"a":"x","b":1}}');
  });

  test("sets leaves and nodes apart by a first byte", () => {
    const [left, right] = [sha256(utf8("l")), sha256(utf8("r"))];
    expect(format.leafHash(utf8("x"))).toEqual(sha256(Uint8Array.of(0), utf8("x")));
    expect(format.nodeHash(left, right)).toEqual(sha256(Uint8Array.of(1), left, right));
  });
});

describe("pangea", () => {
  const format = logFormat("pangea");

  test("turns an object of an event into its canonical text", () => {
    expect(format.canonicalText({ event: EVENT, received_at: "r" })).toBe(
      '{"event":{"actor":"bob","message":"{\\"a\\":\\"x\\",\\"b\\":1}"},"received_at":"r"}',
    );
    expect(format.signedText(EVENT)).toBe('{"actor":"bob","message":"{\\"a\\":\\"x\\",\\"b\\":1}"}');
  });

  test("hashes leaves and nodes without prefixes", () => {
    const [left, right] = [sha256(utf8("l")), sha256(utf8("r"))];
    expect(format.leafHash(utf8("x"))).toEqual(sha256(utf8("x")));
    expect(format.nodeHash(left, right)).toEqual(sha256(left, right));
  });

  test("refuses a leaf of 64 bytes, which could be read as a node", () => {
    expect(() => format.leafHash(new Uint8Array(64))).toThrow(RangeError);
    expect(() => format.leafHash(new Uint8Array(63))).not.toThrow();
  });
});
