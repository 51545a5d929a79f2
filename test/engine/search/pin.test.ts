import { describe, expect, test } from "@jest/globals";
import { openPin, sealPin, type Pin } from "../../../src/engine/search/pin.js";
import { TokenSealer } from "../../../src/keys/sealed-token.js";

const sealer = new TokenSealer(new Uint8Array(32).fill(1));
const EXPIRES_MS = 5_000;
const PIN: Pin = {
  search: {
    ...{ log: "default", query: "bob", window: null, restriction: {}, maxResults: null, bound: {} },
    order: { field: "received_at", direction: "desc" },
  },
  state: { treeSize: 9, range: { start: 2, end: 7 }, pinnedAtMs: 1_000, expiresAtMs: EXPIRES_MS },
};
const sealed = (value: unknown): string => sealer.seal("result", Buffer.from(JSON.stringify(value)));
const OTHER_VERSION = { kind: "rejected", got: "a token of another version of this service" };

describe("a result id", () => {
  test("opens as what was sealed in it, until it expires", () => {
    const id = sealPin(sealer, PIN);
    expect(openPin(sealer, id, EXPIRES_MS - 1)).toMatchObject({ kind: "opened", content: PIN });
    expect(openPin(sealer, id, EXPIRES_MS)).toEqual({ kind: "rejected", got: "an expired result" });
  });

  test.each([
    ["of an earlier version", { version: 1, ...PIN }],
    ["of a later version", { version: 3, ...PIN }],
    ["without a version", PIN],
    ["of nothing", null],
    ["of a text", "version"],
    ["of a number", 2],
  ])("%s is refused, and not misread", (_, value) => {
    expect(openPin(sealer, sealed(value), 0)).toEqual(OTHER_VERSION);
  });

  test("of another key, or that is none, is refused", () => {
    const stranger = new TokenSealer(new Uint8Array(32).fill(2));
    for (const id of [sealPin(stranger, PIN), "x", "", sealer.seal("cursor", Buffer.from("{}"))])
      expect(openPin(sealer, id, 0).kind).toBe("rejected");
  });
});
