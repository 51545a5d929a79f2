import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { nobleSha256 } from "../../src/core/bytes.js";
import { nobleEd25519, publicKeyPem, type Ed25519 } from "../../src/core/signature.js";
import { trustLog, type Crypto } from "../../src/core/verify.js";
import { fileText, vectorFiles } from "../vectors/make.js";
import { verdictsOf } from "../vectors/verdicts.js";

const FOLDER = "test/vectors";

const nodeEd25519: Ed25519 = {
  sign: (message, seed) => Uint8Array.from(sign(null, message, privateKey(seed))),
  verify: (signature, message, publicKey) => verify(null, message, createPublicKey(publicKeyPem(publicKey)), signature),
  publicKey: (seed) =>
    Uint8Array.from(createPublicKey(privateKey(seed)).export({ format: "der", type: "spki" })).subarray(12),
};

const CRYPTO: readonly (readonly [string, Crypto])[] = [
  ["@noble", { sha256: nobleSha256, ed25519: nobleEd25519 }],
  ["Node", { sha256: (message) => createHash("sha256").update(message).digest(), ed25519: nodeEd25519 }],
];

describe("the attack vectors", () => {
  test("are the files that the script makes, no more and no less", () => {
    const made = vectorFiles();
    const folders = new Set([...made.keys()].map((path) => path.slice(0, path.indexOf("/"))));
    const committed = [...folders].flatMap((folder) =>
      readdirSync(`${FOLDER}/${folder}`).map((file) => `${folder}/${file}`),
    );
    expect(committed.sort()).toEqual([...made.keys()].sort());
    for (const [path, file] of made) expect(readFileSync(`${FOLDER}/${path}`, "utf8")).toBe(fileText(file));
  });

  describe.each(CRYPTO)("checked with the cryptography of %s", (_, crypto) => {
    test.each([...vectorFiles()])("%s", (_path, { cases }) => {
      for (const { document, verdicts } of cases)
        expect(verdictsOf(trustLog(document, crypto), document)).toEqual(verdicts);
    });
  });
});

function privateKey(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
  return createPrivateKey({ key: Buffer.concat([prefix, seed]), format: "der", type: "pkcs8" });
}
