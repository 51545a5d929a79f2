import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { IndexedStore } from "../../../src/audit/search-index.js";
import type { NewEntry, StoredEntry } from "../../../src/audit/store.js";
import { equalBytes } from "../../../src/core/bytes.js";
import { treeRoot } from "../../../src/core/tree.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { entryAt, FORMAT, LOG } from "./growing-log.js";
import { KEYRING } from "../../keyring.js";

const ROUNDS = 8;
const MAX_RUN_MS = 300;
const APPENDER = fileURLToPath(new URL("./appender.js", import.meta.url));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-crash-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Lets a process append, kills it with SIGKILL at some moment after its first append; answers the last size it acknowledged. */
async function appendAndKill(path: string): Promise<number> {
  const child = spawn(process.execPath, [APPENDER, path], { stdio: ["ignore", "pipe", "inherit"] });
  let acknowledged = 0;
  let armed = false;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    if (!armed) setTimeout(() => child.kill("SIGKILL"), Math.random() * MAX_RUN_MS);
    armed = true;
  }
  expect(armed).toBe(true);
  return acknowledged;
}

async function checkLog({ log }: IndexedStore, acknowledged: number): Promise<number> {
  const head = await log.head(LOG);
  const size = head?.size ?? 0;
  expect(size).toBeGreaterThanOrEqual(acknowledged);
  const expected = Array.from({ length: size }, (_, leafIndex) => entryAt(leafIndex));
  const stored = await log.entries(LOG, [...expected.keys(), size]);
  expect(stored.at(-1)).toBeUndefined();
  // Compared by hand: the matchers take minutes over so many objects.
  const changed = expected.filter((entry, place) => !isSame(entry, stored[place]));
  expect(changed).toEqual([]);
  const root = treeRoot(
    FORMAT,
    expected.map((entry) => entry.leafHash),
  );
  expect(head?.rootHash).toEqual(root);
  expect(head?.checkpoint).toBe(`checkpoint of ${size}\n`);
  const tiles = await log.tiles(
    LOG,
    Array.from({ length: Math.floor(size / 256) }, (_, index) => ({ level: 0, index })),
  );
  expect(tiles).not.toContain(undefined);
  return size;
}

function isSame(logged: NewEntry, stored: StoredEntry | undefined): boolean {
  return stored?.canonical === logged.canonical && equalBytes(stored.leafHash, logged.leafHash);
}

async function checkIndex({ index }: IndexedStore, size: number): Promise<void> {
  const order = { field: "received_at", direction: "asc" } as const;
  const range = { start: 0, end: size };
  const word = { kind: "phrase", field: "message", words: ["entry"], prefix: false } as const;
  expect(await index.count({ log: LOG, filter: word, order, range }, 1_000_000)).toBe(size);
  const last = { kind: "phrase", field: undefined, words: ["number", String(size - 1)], prefix: false } as const;
  expect(await index.page({ log: LOG, filter: last, order, range }, { limit: 10 })).toEqual([size - 1]);
  expect(await index.page({ log: LOG, filter: { kind: "not", filter: word }, order, range }, { limit: 10 })).toEqual(
    [],
  );
}

test("after kill -9 at any moment every acknowledged entry is there, the tree is whole and the index agrees", async () => {
  const path = join(folder, "log.db");
  for (let round = 0; round < ROUNDS; round++) {
    const acknowledged = await appendAndKill(path);
    const store = indexed(await openSqlite(path), KEYRING);
    const size = await checkLog(store, acknowledged);
    await checkIndex(store, size);
    await store.index.close();
    await store.log.close();
  }
}, 180_000);
