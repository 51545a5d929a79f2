import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "@jest/globals";
import type { IndexedStore } from "../../../src/audit/search-index.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { KEYRING } from "../../keyring.js";

/** A folder for the files of one test file, removed at its end; answers paths in it that nothing has used yet. */
export function freshPaths(): () => string {
  const folder = mkdtempSync(join(tmpdir(), "auditql-sqlite-"));
  let files = 0;
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  return () => join(folder, `${files++}.db`);
}

export async function closeStore({ index, log }: IndexedStore): Promise<void> {
  await index.close();
  await log.close();
}

/** Answers a function that opens stores; what a test leaves open, because it failed, is closed after it. */
export function openedStores(): (path: string) => Promise<IndexedStore> {
  const opened: IndexedStore[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(closeStore));
  });
  return async (path) => {
    const store = indexed(await openSqlite(path), KEYRING);
    opened.push(store);
    return store;
  };
}
