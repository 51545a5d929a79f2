import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readApiKey } from "../../src/access/api-key.js";
import { createKey, readKeys, revokeKey } from "../../src/access/key-file.js";
import { parseKeySet } from "../../src/access/key-set.js";
import { describePermitted } from "../service.js";

const NOW = new Date("2026-01-02T03:04:05.000Z");
const order = { name: "ci", scopes: ["audit:log"] } as const;

describe("a key file", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-keys-"));
    path = join(folder, "data", "keys.json");
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("is made with its folder by the first key, for its owner alone", async () => {
    await createKey(path, order, NOW);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("keeps what a key may do, when it was made, and the hash of its secret", async () => {
    const restriction = { actor: ["alice"] };
    const { stored } = await createKey(path, { ...order, tenant: "acme", restriction }, NOW);
    expect(await readKeys(path)).toEqual([stored]);
    expect(stored).toMatchObject({ ...order, tenant: "acme", restriction, createdAt: "2026-01-02T03:04:05.000Z" });
  });

  test("that is a link to itself is told of as that, and not taken for one that is missing", async () => {
    const loop = join(folder, "loop.json");
    await symlink(loop, loop);
    await expect(createKey(loop, order, NOW)).rejects.toMatchObject({ code: "ELOOP" });
    expect(await readdir(folder)).toEqual(["loop.json"]);
  });

  test("holds neither the key's text nor its secret", async () => {
    const { text } = await createKey(path, order, NOW);
    const kept = await readFile(path, "utf8");
    const read = readApiKey(text);
    if (read.kind !== "key") throw new Error("not a key");
    expect(kept).not.toContain(text.slice(17, 60));
    expect(kept).not.toContain(Buffer.from(read.key.secret).toString("hex"));
  });

  test("lets in the key whose text was shown", async () => {
    const { stored, text } = await createKey(path, order, NOW);
    const read = readApiKey(text);
    if (read.kind !== "key") throw new Error("not a key");
    expect(parseKeySet(await readFile(path, "utf8")).identify(read.key, NOW.getTime())).toEqual({
      kind: "principal",
      principal: { id: `api-key:${stored.id}`, kind: "api-key", scopes: new Set(["audit:log"]) },
    });
  });

  test("keeps a revoked key with the time of its first revocation", async () => {
    const { stored } = await createKey(path, order, NOW);
    await revokeKey(path, stored.id, new Date("2026-02-01T00:00:00Z"));
    await revokeKey(path, stored.id, new Date("2026-03-01T00:00:00Z"));
    expect(await readKeys(path)).toEqual([{ ...stored, revokedAt: "2026-02-01T00:00:00.000Z" }]);
  });

  test("refuses to revoke a key that it does not have, and stays as it was", async () => {
    const { stored } = await createKey(path, order, NOW);
    await expect(revokeKey(path, "ffffffffffff", NOW)).rejects.toThrow(/has no key ffffffffffff/);
    expect(await readKeys(path)).toEqual([stored]);
    expect(await readdir(join(folder, "data"))).toEqual(["keys.json"]);
  });

  test("refuses a second change while one is under way, so that neither undoes the other", async () => {
    await createKey(path, order, NOW);
    await writeFile(`${path}.new`, "");
    await expect(createKey(path, order, NOW)).rejects.toThrow(/another change is running or was interrupted/);
    expect(await readKeys(path)).toHaveLength(1);
    expect(await readFile(`${path}.new`, "utf8")).toBe("");
  });

  test("loses no key of those whose creation was confirmed, when many are made at once", async () => {
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => createKey(path, order, NOW)));
    const made = tries.flatMap((result) => (result.status === "fulfilled" ? [result.value.stored.id] : []));
    expect(made.length).toBeGreaterThan(0);
    expect((await readKeys(path)).map((key) => key.id).sort()).toEqual(made.sort());
  });

  test("stays the file that a link leads to, with its mode", async () => {
    await createKey(path, order, NOW);
    await chmod(path, 0o640);
    const link = join(folder, "link.json");
    await symlink(path, link);
    const { stored } = await createKey(link, order, NOW);
    await revokeKey(link, stored.id, NOW);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect((await readKeys(path)).map(({ revokedAt }) => revokedAt !== undefined)).toEqual([false, true]);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  describePermitted("give files away", process.getuid?.() === 0, () => {
    test("stays its owner's when another user changes it", async () => {
      await createKey(path, order, NOW);
      await chown(path, 65_534, 65_534);
      await createKey(path, order, NOW);
      const { uid, gid } = await stat(path);
      expect([uid, gid]).toEqual([65_534, 65_534]);
    });
  });

  test("is not made anew where a link leads in a circle", async () => {
    await mkdir(join(folder, "data"));
    await symlink(path, path);
    await expect(createKey(path, order, NOW)).rejects.toThrow("ELOOP");
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
  });

  test("is never overwritten when it cannot be read whole", async () => {
    await createKey(path, order, NOW);
    await writeFile(path, '{"version": 2, "keys": []}');
    await expect(createKey(path, order, NOW)).rejects.toThrow(/keys\.json cannot be read: .*not a key file/);
    expect(await readFile(path, "utf8")).toBe('{"version": 2, "keys": []}');
  });
});
