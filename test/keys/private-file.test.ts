import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "../../src/access/key-file.js";
import { exposureOf, makePrivateFile } from "../../src/keys/private-file.js";
import { loadOrCreateSeed } from "../../src/keys/seed-file.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openStore } from "../../src/stores/index.js";
import { openTestService, logMessages } from "../engine/test-log.js";
import { KEYRING } from "../keyring.js";

let folder: string;
let umask: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-private-"));
  umask = process.umask(0);
});
afterEach(async () => {
  process.umask(umask);
  await rm(folder, { recursive: true });
});

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

/** The mode of everything in a folder, by name. */
async function modes(path: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(path);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await modeOf(join(path, name))] as const)),
  );
}

describe("with a umask that takes nothing away, nobody else may read", () => {
  test("the folders and files of an SQLite store", async () => {
    const data = join(folder, "deep", "data");
    const { log, index } = indexed(await openStore(`sqlite:${join(data, "audit.db")}`), KEYRING);
    const service = await openTestService({ store: log, index });
    await logMessages(service, 1);
    await service.search({ log: "default", query: "" }, {});
    expect(await modes(data)).toEqual({
      ...{
        "audit.db": "600",
        "audit.db-wal": "600",
        "audit.db-shm": "600",
        "audit.db-lock": "600",
        "audit.db-lock-journal": "600",
      },
      ...{ "audit.db-index": "600", "audit.db-index-wal": "600", "audit.db-index-shm": "600" },
    });
    expect([await modeOf(data), await modeOf(join(folder, "deep"))]).toEqual(["700", "700"]);
    await service.close();
    await index.close();
    await log.close();
  });

  test("the folder and file of API keys", async () => {
    const path = join(folder, "data", "api-keys.json");
    await createKey(path, { name: "a", scopes: [] }, new Date());
    expect([await modeOf(join(folder, "data")), await modeOf(path)]).toEqual(["700", "600"]);
  });

  test("the folder and file of the signing key", async () => {
    const path = join(folder, "data", "auditql.key");
    await loadOrCreateSeed(path);
    expect([await modeOf(join(folder, "data")), await modeOf(path)]).toEqual(["700", "600"]);
  });
});

describe("a file that is there", () => {
  test("keeps its mode and its content", async () => {
    const path = join(folder, "audit.db");
    await writeFile(path, "x", { mode: 0o644 });
    makePrivateFile(path);
    expect(await stat(path)).toMatchObject({ size: 1 });
    expect(await modeOf(path)).toBe("644");
  });
});

describe("what others may read", () => {
  test("is named with its mode, and nothing else is", async () => {
    const [data, db, key] = [join(folder, "data"), join(folder, "data", "audit.db"), join(folder, "data", "key")];
    await mkdir(data);
    await writeFile(db, "");
    await writeFile(key, "", { mode: 0o600 });
    await chmod(data, 0o755);
    await chmod(db, 0o640);
    expect(exposureOf([data, db, key, join(data, "missing")])).toBe(
      `others on this machine may read or change ${data} (0755), ${db} (0640): keep them in a folder of their own ` +
        "with mode 0700 (chmod 700), the files with mode 0600 (chmod 600)",
    );
    await chmod(data, 0o700);
    await chmod(db, 0o600);
    expect(exposureOf([data, db, key])).toBeUndefined();
  });
});
