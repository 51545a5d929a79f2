import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { secretIn } from "../../src/cli/secret-file.js";
import { readSettings, type Environment, type Flags } from "../../src/settings/read.js";
import { SETTINGS } from "../../src/settings/table.js";

describe("a setting that may be a secret", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-secrets-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const holding = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const storageOf = (flags: Flags, env: Environment) => readSettings(flags, env, secretIn).storage;

  test.each(["", "\n", "\r\n"])("is read from its file, which may end with %j", async (end) => {
    const store = await holding("store", `postgres://auditql:hunter2@db/auditql${end}`);
    const redis = await holding("redis", `rediss://:hunter2@cache:6379${end}`);
    const token = await holding("token", `pts_hunter2${end}`);
    const read = {
      ...{ store: "postgres://auditql:hunter2@db/auditql", redisUrl: "rediss://:hunter2@cache:6379" },
      ...{ pangeaToken: "pts_hunter2", secretFiles: [store, redis, token] },
    };
    const env = { AUDITQL_STORE_FILE: store, REDIS_URL_FILE: redis, AUDITQL_PANGEA_TOKEN_FILE: token };
    expect(storageOf({}, env)).toMatchObject(read);
    expect(storageOf({ storeFile: store, redisUrlFile: redis, pangeaTokenFile: token }, {})).toMatchObject(read);
  });

  test("is a flag's before it is a variable's, whether a file holds it or not", async () => {
    const [one, other] = [await holding("one", "sqlite:one.db"), await holding("other", "sqlite:other.db")];
    const flag = storageOf({ store: "memory:" }, { AUDITQL_STORE_FILE: one });
    expect(flag).toMatchObject({ store: "memory:", secretFiles: [] });
    expect(storageOf({ storeFile: one }, { AUDITQL_STORE: "memory:" }).store).toBe("sqlite:one.db");
    expect(storageOf({ storeFile: one }, { AUDITQL_STORE_FILE: other }).store).toBe("sqlite:one.db");
  });

  test("is not both itself and in a file", async () => {
    const store = await holding("store", "memory:");
    const both = { AUDITQL_STORE: "memory:", AUDITQL_STORE_FILE: store };
    expect(messageOf(() => storageOf({}, both))).toBe(
      `AUDITQL_STORE_FILE: expected no value as long as AUDITQL_STORE is set, got "${store}"`,
    );
    expect(messageOf(() => storageOf({ store: "memory:", storeFile: store }, {}))).toMatch(/^--store-file: /);
  });

  test("is told with every other mistake where its file cannot be used, and what the file holds is not", async () => {
    const env = {
      AUDITQL_STORE_FILE: await holding("wrong", "mysql://root:hunter2@db/audit"),
      REDIS_URL_FILE: join(folder, "nowhere"),
      AUDITQL_PANGEA_TOKEN_FILE: await holding("empty", "\n"),
      AUDITQL_PORT: "http",
    };
    const message = messageOf(() => storageOf({}, env));
    expect(message.split("\n").sort()).toEqual([
      expect.stringMatching(/^AUDITQL_PANGEA_TOKEN_FILE: expected a file with the value .*empty, which is empty"$/),
      expect.stringMatching(/^AUDITQL_PORT: /),
      expect.stringMatching(/^AUDITQL_STORE_FILE: expected memory: .*got "mysql"$/),
      expect.stringMatching(/^REDIS_URL_FILE: expected a file with the value .*ENOENT/),
    ]);
    expect(message).not.toContain("hunter2");
  });

  test("is not read from a file that is larger than any secret", async () => {
    const large = await holding("large", "x".repeat(65_537));
    expect(messageOf(() => storageOf({}, { AUDITQL_PANGEA_TOKEN_FILE: large }))).toMatch(/which has more"$/);
    const enough = await holding("enough", "x".repeat(65_536));
    expect(storageOf({}, { AUDITQL_PANGEA_TOKEN_FILE: enough }).pangeaToken).toHaveLength(65_536);
  });

  test("has a file in the table", () => {
    const variables = SETTINGS.rows.map(({ variable }) => variable);
    const inFiles = variables.filter((variable) => variables.includes(`${variable}_FILE`));
    expect(inFiles).toEqual(["AUDITQL_STORE", "REDIS_URL", "AUDITQL_PANGEA_TOKEN"]);
  });
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
}
