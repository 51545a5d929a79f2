import { describe, expect, test } from "@jest/globals";
import { ephemeralKeyring, keyringOfSeed } from "../../src/keys/keyring.js";

const SEED = new Uint8Array(32).fill(7);

describe("the keyring", () => {
  test("is the same for the same seed, so that gateways with one key file agree", () => {
    expect(keyringOfSeed(SEED)).toEqual(keyringOfSeed(SEED.slice()));
  });

  test("holds three keys that have nothing in common", () => {
    const { checkpointSeed, eventSeed, tokenSecret } = keyringOfSeed(SEED);
    const keys = [checkpointSeed, eventSeed, tokenSecret].map((key) => Buffer.from(key).toString("hex"));
    expect(new Set(keys).size).toBe(3);
    expect(checkpointSeed).toEqual(SEED);
  });

  test("derives the keys that it always derived: a change would orphan every signed event's key", () => {
    const { eventSeed, tokenSecret } = keyringOfSeed(SEED);
    expect(Buffer.from(eventSeed).toString("hex")).toBe(
      "aeddc6935b6ee28f82389e619ad071d183d7768299efc3a24b3dc8ef8779ffe7",
    );
    expect(Buffer.from(tokenSecret).toString("hex")).toBe(
      "c8e0d6238ddc4d4b0448379e316bbad74e90e2c4af3c478e9c3c1940c451cbb0",
    );
  });

  test("is new each time where nothing is to be kept", () => {
    expect(ephemeralKeyring()).not.toEqual(ephemeralKeyring());
  });

  test("refuses a seed of another length", () => {
    expect(() => keyringOfSeed(new Uint8Array(31))).toThrow("a seed has 32 bytes, got 31");
  });
});
