import { expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import type { Principal } from "../../src/audit/principal.js";
import { openLink, sealLink, type LinkClaims } from "../../src/downloads/link.js";
import { TokenSealer } from "../../src/keys/sealed-token.js";
import { rejection } from "../engine/rejection.js";

const sealer = new TokenSealer(new Uint8Array(32).fill(1));
const principal: Principal = {
  id: "api-key:0",
  kind: "api-key",
  scopes: new Set(["audit:read"]),
  tenant: "acme",
  restriction: { actor: ["alice"] },
  expiresAtMs: 5_000,
};
const claims: LinkClaims = { principal, id: "result", everyMatch: true, format: "JSON", expiresAtMs: 1_000 };

test("a link opens to all that it was made of, until it expires", () => {
  const token = sealLink(sealer, claims);
  expect(openLink(sealer, token, 999)).toEqual({ kind: "opened", claims });
  expect(openLink(sealer, token, 1_000)).toEqual({ kind: "rejected", reason: "expired" });
});

test("nothing else opens: not one character changed, another key's, or a token of another kind", () => {
  const token = sealLink(sealer, claims);
  for (let at = 0; at < token.length; at++) {
    const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
    expect(openLink(sealer, changed, 0)).toEqual({ kind: "rejected", reason: "unknown" });
  }
  const foreign = sealLink(new TokenSealer(new Uint8Array(32).fill(2)), claims);
  const result = sealer.seal("result", Buffer.from("{}"));
  for (const other of [foreign, result, "", "..", "x".repeat(100_000)])
    expect(openLink(sealer, other, 0)).toEqual({ kind: "rejected", reason: "unknown" });
});

test("a link has 7,000 characters at most, and may have as many", async () => {
  // Base64 does not repeat: a token grows by about a character with each of its id, and five of them do not all skip one.
  const longest = await Promise.all(
    Array.from({ length: 5 }, () => longestToken(randomBytes(6_000).toString("base64"))),
  );
  expect(Math.max(...longest)).toBe(7_000);
});

async function longestToken(noise: string): Promise<number> {
  let longest = 0;
  for (let length = 6_000; length < noise.length; length++) {
    const token = await Promise.resolve()
      .then(() => sealLink(sealer, { ...claims, id: noise.slice(0, length) }))
      .catch(() => undefined);
    if (token === undefined) break;
    longest = token.length;
  }
  return longest;
}

test("a search that does not fit into a link is refused in words", async () => {
  // What repeats is compressed away; this does not.
  const long = randomBytes(6_000).toString("base64");
  const error = await rejection(Promise.resolve().then(() => sealLink(sealer, { ...claims, id: long })));
  expect([error.code, error.problems[0]?.path]).toEqual(["BAD_USER_INPUT", "id"]);
});
