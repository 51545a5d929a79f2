import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { apiKeyText, newApiKey, readApiKey, secretHash, secretMatches } from "../../src/access/api-key.js";

const key = { id: "0123456789ab", secret: new Uint8Array(32).fill(7) };

describe("the text of an API key", () => {
  test("has 64 characters: prefix, id, secret, checksum", () => {
    expect(apiKeyText(key)).toMatch(/^aql_0123456789ab_(BwcH){10}[A-Za-z0-9_-]{7}$/);
    expect(apiKeyText(newApiKey())).toHaveLength(64);
  });

  test("reads back as the key it was made of, whatever the secret", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (secret) => {
        const read = readApiKey(apiKeyText({ ...key, secret }));
        return read.kind === "key" && read.key.id === key.id && Buffer.from(read.key.secret).equals(secret);
      }),
    );
  });

  test("is told to be damaged when its end is missing, however much of it", () => {
    const text = apiKeyText(key);
    for (let length = 4; length < text.length; length++) {
      expect(readApiKey(text.slice(0, length))).toEqual({ kind: "damaged" });
    }
  });

  test("is told to be damaged when any one character is another", () => {
    const text = apiKeyText(key);
    for (let at = 4; at < text.length; at++) {
      const other = text[at] === "a" ? "b" : "a";
      expect(readApiKey(text.slice(0, at) + other + text.slice(at + 1))).toEqual({ kind: "damaged" });
    }
  });

  test("is told to be damaged with one character more", () => {
    expect(readApiKey(`${apiKeyText(key)}A`)).toEqual({ kind: "damaged" });
  });

  test("is something else without the prefix", () => {
    expect(readApiKey("eyJhbGciOiJFZERTQSJ9.e30.c2ln")).toEqual({ kind: "other" });
  });
});

describe("a secret", () => {
  test("is random each time", () => {
    expect(newApiKey().secret).not.toEqual(newApiKey().secret);
  });

  test("matches the hash of itself and of no other", () => {
    expect(secretMatches(key.secret, secretHash(key.secret))).toBe(true);
    expect(secretMatches(key.secret, secretHash(new Uint8Array(32).fill(8)))).toBe(false);
  });
});
