import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { indexed } from "../../src/engine/search/open-index.js";
import { openStore } from "../../src/stores/index.js";
import { emptyHead } from "./batches.js";
import { KEYRING } from "../keyring.js";

const folder = await mkdtemp(join(tmpdir(), "auditql-open-"));
afterAll(() => rm(folder, { recursive: true }));

test.each(["memory:", `sqlite:${join(folder, "not", "there", "yet", "log.db")}`])("opens %s", async (url) => {
  const { log, index } = indexed(await openStore(url), KEYRING);
  expect(await log.createLog(emptyHead("default"))).toEqual(emptyHead("default"));
  await index.close();
  await log.close();
});

test.each(["mysql://root:secret@localhost/x", "sqlite:", "sqlite", "postgres", "data/auditql.db", ""])(
  "refuses %j in one sentence that lists the schemes and gives no secret away",
  async (url) => {
    const refusal = openStore(url);
    await expect(refusal).rejects.toMatchObject({ code: "BAD_USER_INPUT" });
    await expect(refusal).rejects.toThrow(/^store: expected memory: or sqlite:PATH or postgres:\/\/…, got "[a-z./]*"$/);
  },
);
