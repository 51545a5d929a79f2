import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyFileError, loadOrCreateSeed, refusedBits } from "../../src/keys/seed-file.js";

const TEST_PEM = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpeJF4F2UoIN1bP5rN
-----END PRIVATE KEY-----
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-key-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("the key file", () => {
  test("is made once, for its owner alone, in a folder that is made too", async () => {
    const path = join(folder, "data", "auditql.key");
    const seed = await loadOrCreateSeed(path);
    expect(seed).toHaveLength(32);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(await loadOrCreateSeed(path)).toEqual(seed);
  });

  test("is one key for all who start at the same time, and nothing is left beside it", async () => {
    const path = join(folder, "auditql.key");
    const seeds = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateSeed(path)));
    expect(new Set(seeds.map((seed) => Buffer.from(seed).toString("hex"))).size).toBe(1);
    expect(await readdir(folder)).toEqual(["auditql.key"]);
  });

  test("that can be neither read nor made is one sentence, which names the setting", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    const loaded = loadOrCreateSeed(join(file, "auditql.key"));
    await expect(loaded).rejects.toThrow(KeyFileError);
    await expect(loaded).rejects.toThrow(/^The key file .* cannot be used: Error: ENOTDIR.*AUDITQL_KEY_FILE/);
  });

  test("is read as the seed that its PEM holds", async () => {
    const path = join(folder, "given.key");
    const { privateKey } = generateKeyPairSync("ed25519");
    await writeFile(path, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
    const { d } = privateKey.export({ format: "jwk" });
    expect(Buffer.from(await loadOrCreateSeed(path)).toString("base64url")).toBe(d);
  });

  test("is refused when others may read it, with the command that mends it", async () => {
    const path = join(folder, "open.key");
    await loadOrCreateSeed(path);
    await chmod(path, 0o644);
    await expect(loadOrCreateSeed(path)).rejects.toThrow(
      new KeyFileError(`The key file ${path} has mode 0644, so others could read it: run "chmod 600 ${path}".`),
    );
  });

  test.each([
    { what: "its owner's alone", mode: 0o400, owner: 1000, refused: false },
    { what: "its owner's, and its group may read it", mode: 0o440, owner: 1000, refused: true },
    { what: "a mounted secret that the gateway's group may read", mode: 0o440, owner: 0, refused: false },
    { what: "a mounted secret that everyone may read", mode: 0o444, owner: 0, refused: true },
    { what: "another user's that the group may write", mode: 0o660, owner: 0, refused: true },
  ])("that is $what is refused: $refused", ({ mode, owner, refused }) => {
    expect((mode & refusedBits(owner, 1000)) !== 0).toBe(refused);
  });

  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ format: "pem", type: "pkcs8" });
  test.each([
    ["an empty file", ""],
    ["text", "not a key\n"],
    ["half a PEM", TEST_PEM.slice(0, 60)],
    ["an RSA key", rsa.toString()],
  ])("is refused when it is %s", async (_name, text) => {
    const path = join(folder, "wrong.key");
    await writeFile(path, text, { mode: 0o600 });
    await expect(loadOrCreateSeed(path)).rejects.toThrow("does not hold an Ed25519 private key as PKCS#8 PEM");
  });
});
