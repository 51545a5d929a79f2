import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { IndexedStore } from "../../../src/audit/search-index.js";
import type { Filter } from "../../../src/query/filter.js";
import { loadSqliteDriver } from "../../../src/stores/sqlite/driver.js";
import { storedEntries } from "../../../src/engine/search/log-rows.js";
import { INDEX_FILE } from "../../../src/stores/sqlite/index-file.js";
import { hashOf } from "../batches.js";
import { closeStore, freshPaths, openedStores } from "./folder.js";
import { EMPTY_HEAD, entryAt, GrowingLog, LOG } from "./growing-log.js";

const freshPath = freshPaths();
const open = openedStores();
/** Enough for a stored segment. */
const SIZE = 4_196;
const STORED = 4_096;

async function untilStored({ log, index }: IndexedStore): Promise<void> {
  index.follow(LOG, storedEntries(log, LOG));
  while ((await index.indexedSize(LOG)) < STORED) await sleep(20);
}

let filled: string | undefined;

/** A closed log of `SIZE` entries with its index: each is a copy of the first, for it takes seconds to fill. */
async function filledLog(): Promise<string> {
  filled ??= await filledWith(SIZE);
  const path = freshPath();
  for (const file of ["", "-index"]) copyFileSync(`${filled}${file}`, `${path}${file}`);
  return path;
}

/** A closed log of so many entries with its index. */
async function filledWith(size: number): Promise<string> {
  const path = freshPath();
  const store = await open(path);
  await store.log.createLog(EMPTY_HEAD);
  await store.log.append(new GrowingLog().next(size));
  if (size >= STORED) await untilStored(store);
  await closeStore(store);
  return path;
}

const SEVENTH: Filter = { kind: "exact", field: "actor", value: "actor6" };

const find = ({ index }: IndexedStore, size: number): Promise<readonly number[]> =>
  index.page(
    { log: LOG, filter: SEVENTH, range: { start: 0, end: size }, order: { field: "target", direction: "asc" } },
    { limit: 1_000 },
  );

const expected = (size = SIZE): readonly number[] =>
  Array.from({ length: size }, (_, leafIndex) => leafIndex).filter((leafIndex) => leafIndex % 7 === 6);

async function expectWholeIndex(path: string, size = SIZE): Promise<void> {
  const store = await open(path);
  expect(await find(store, size)).toEqual(expected(size));
  if (size >= STORED) await untilStored(store);
  for await (const { isSound } of store.index.check(LOG, 0)) expect(isSound).toBe(true);
  expect(await find(store, size)).toEqual(expected(size));
  await closeStore(store);
}

/** Inverts the lowest bit of the first byte of `needle` in the file. */
function flipBitOf(path: string, needle: string | Uint8Array): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(needle);
  expect(at).toBeGreaterThan(0);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}

test.each([1, 0x80])("hands out an entry of which one bit was flipped (%i) as it is now", async (bit) => {
  const path = await filledWith(3);
  const bytes = readFileSync(path);
  const at = bytes.indexOf("entry number 1");
  bytes.writeUInt8(bytes.readUInt8(at) ^ bit, at);
  writeFileSync(path, bytes);
  const store = await open(path);
  const [before, flipped, after] = await store.log.entries(LOG, [0, 1, 2]);
  expect(flipped?.leafHash).toEqual(entryAt(1).leafHash);
  expect(hashOf(flipped?.canonical ?? "")).not.toEqual(hashOf(entryAt(1).canonical));
  expect([before?.canonical, after?.canonical]).toEqual([entryAt(0).canonical, entryAt(2).canonical]);
  await closeStore(store);
});

test("hands out a tile of which one bit was flipped as it is now", async () => {
  const path = await filledLog();
  const whole = new GrowingLog().next(SIZE).tiles[0]?.bytes ?? new Uint8Array();
  // A hash of the second row: those of the first are in the entries as well.
  const at = 256 * 32;
  flipBitOf(path, whole.subarray(at, at + 32));
  const store = await open(path);
  const [tile] = await store.log.tiles(LOG, [{ level: 0, index: 0 }]);
  expect(tile).toHaveLength(whole.length);
  expect(tile?.findIndex((byte, place) => byte !== whole[place])).toBe(at);
  await closeStore(store);
});

test("makes a deleted index again", async () => {
  const path = await filledLog();
  rmSync(`${path}-index`);
  await expectWholeIndex(path);
});

test("makes a truncated index again", async () => {
  const path = await filledLog();
  truncateSync(`${path}-index`, Math.floor(statSync(`${path}-index`).size / 2));
  await expectWholeIndex(path);
});

test("makes an index again whose file was made, and nothing in it", async () => {
  const path = await filledLog();
  truncateSync(`${path}-index`, 0);
  await expectWholeIndex(path);
});

test("makes an index again whose file was overwritten", async () => {
  const path = await filledLog();
  writeFileSync(`${path}-index`, "not a database any more ".repeat(1_000));
  await expectWholeIndex(path);
});

test("makes an index again that another schema version wrote", async () => {
  const path = await filledLog();
  const driver = await loadSqliteDriver();
  const database = driver(`${path}-index`);
  database.exec(`DELETE FROM blocks; PRAGMA user_version = ${INDEX_FILE.version - 1}`);
  database.close();
  await expectWholeIndex(path);
});

test("makes an index again that belongs to another log file", async () => {
  const [path, other] = [await filledLog(), await filledWith(4_100)];
  const driver = await loadSqliteDriver();
  const database = driver(`${other}-index`);
  database.exec("UPDATE segments SET last_leaf_hash = zeroblob(32)");
  database.close();
  copyFileSync(`${other}-index`, `${path}-index`);
  await expectWholeIndex(path);
});

test("uses nothing of an index that is ahead of a log put back from an older copy", async () => {
  const path = await filledWith(300);
  const copy = readFileSync(path);
  const store = await open(path);
  const growing = new GrowingLog();
  growing.next(300);
  await store.log.append(growing.next(SIZE - 300));
  await untilStored(store);
  await closeStore(store);
  writeFileSync(path, copy);
  await expectWholeIndex(path, 300);
});

test("an index found damaged by a search is made again while the gateway runs", async () => {
  const path = await filledLog();
  const store = await open(path);
  overwrite(`${path}-index`, 65_536);
  expect(await find(store, SIZE)).toEqual(expected());
  await closeStore(store);
  await expectWholeIndex(path);
});

/** Destroys a file from an offset on: behind the pages that an opened database has read already. */
function overwrite(path: string, start: number): void {
  const file = openSync(path, "r+");
  const rest = Buffer.alloc(statSync(path).size - start, 0xff);
  writeSync(file, rest, 0, rest.length, start);
  closeSync(file);
}

test("makes an index again that is damaged where it is read at start", async () => {
  const path = await filledLog();
  overwrite(`${path}-index`, 4_096);
  await expectWholeIndex(path);
});

test("makes a segment again that lost a block", async () => {
  const path = await filledLog();
  const database = (await loadSqliteDriver())(`${path}-index`);
  database.exec("DELETE FROM blocks WHERE id % 3 = 1");
  database.close();
  await expectWholeIndex(path);
});
