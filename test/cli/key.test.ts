import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Command } from "commander";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readApiKey } from "../../src/access/api-key.js";
import { readKeys } from "../../src/access/key-file.js";
import { addKeyCommand, keyOrder, keyTable } from "../../src/cli/key.js";

const NOW = new Date("2026-01-02T03:04:05.000Z");

describe("auditql key", () => {
  let folder: string;
  let path: string;
  let out: string[];
  let notes: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-key-"));
    path = join(folder, "keys.json");
    out = [];
    notes = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function run(...words: readonly string[]): Promise<void> {
    const to = { out: (text: string) => void out.push(text), note: (text: string) => void notes.push(text) };
    const root = new Command().exitOverride().configureOutput({ writeErr: to.note });
    addKeyCommand(root, { defaultFile: path, to, now: () => NOW });
    await root.parseAsync(["key", ...words], { from: "user" });
  }

  test("create prints the key alone where a script catches it, and all else beside", async () => {
    await run("create", "--name", "ci", "--scope", "audit:log");
    expect(out.map((text) => readApiKey(text).kind)).toEqual(["key"]);
    expect(notes.join()).toContain("shown this once");
  });

  test("create binds the key to a tenant, a restriction and an end", async () => {
    const bounds = [
      "--tenant",
      "acme",
      "--restrict",
      "actor=alice",
      "actor=bob",
      "status=a=b",
      "--expires-in-days",
      "30",
    ];
    await run("create", "--name", "ci", "--scope", "audit:log,audit:read", ...bounds);
    expect(await readKeys(path)).toMatchObject([
      {
        name: "ci",
        scopes: ["audit:log", "audit:read"],
        tenant: "acme",
        restriction: { actor: ["alice", "bob"], status: ["a=b"] },
        expiresAt: "2026-02-01T03:04:05.000Z",
      },
    ]);
  });

  test("list shows a key's state, never its secret", async () => {
    await run("create", "--name", "ci", "--scope", "audit:log");
    await run("list");
    expect(out[1]).toMatch(/^ID .*\n[0-9a-f]{12} {2}active {2}audit:log .* ci$/);
    expect(out[1]).not.toContain(out[0]?.slice(17, 40));
  });

  test("list --json prints a line for each key, without what its secret is compared with", async () => {
    for (const name of ["ci", "billing"]) await run("create", "--name", name, "--scope", "audit:log");
    const [key] = await readKeys(path);
    out.splice(0);
    await run("list", "--json");
    const listed = out.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(listed.map(({ name, state }) => [name, state])).toEqual([
      ["ci", "active"],
      ["billing", "active"],
    ]);
    expect(out.join()).not.toContain(key?.secretHash);
  });

  test("revoke marks the key that list names", async () => {
    await run("create", "--name", "ci", "--scope", "audit:log");
    const [key] = await readKeys(path);
    await run("revoke", key?.id ?? "");
    expect(keyTable(await readKeys(path), NOW)).toMatch(/\n[0-9a-f]{12} {2}revoked /);
  });

  test("ends with one sentence and exit code 2 when it cannot do what was asked", async () => {
    await expect(run("revoke", "ffffffffffff")).rejects.toMatchObject({ exitCode: 2 });
    expect(notes).toEqual([`Error: ${path} has no key ffffffffffff\n`]);
  });
});

describe("the flags of key create", () => {
  const flags = { name: "ci", scope: ["audit:log"] };

  test.each<[string, object, string]>([
    [
      "a scope that does not exist",
      { scope: ["log"] },
      "--scope: expected audit:log, audit:read, audit:metrics, audit:admin, got log",
    ],
    ["an empty tenant", { tenant: "" }, "--tenant: expected text of 1 to 128 characters"],
    ["a restriction on an unknown field", { restrict: ["message=x"] }, "--restrict: expected field=value"],
    ["a restriction without a value", { restrict: ["actor"] }, "--restrict: expected field=value"],
    ["no days", { expiresInDays: "0" }, "--expires-in-days: expected 1 to 36500, got 0"],
    ["days that are no number", { expiresInDays: "1e9" }, "--expires-in-days: expected 1 to 36500, got 1e9"],
  ])("are refused with %s", (_, change, message) => {
    expect(() => keyOrder({ ...flags, ...change }, NOW)).toThrow(message);
  });
});

test("a table of keys shows no control characters of a name", () => {
  const key = {
    id: "0123456789ab",
    name: "a\u001b[2Jb",
    secretHash: "",
    scopes: ["audit:log"],
    createdAt: "2026-01-01T00:00:00Z",
    expiresAt: "2026-01-02T03:04:05.000Z",
  } as const;
  expect(keyTable([key], NOW)).toMatch(/0123456789ab {2}expired .* a\ufffd\[2Jb$/);
});
