import { describe, expect, it } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import type { AppendBatch, LogStore, StoredEntry } from "../../../src/audit/store.js";
import { utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import type { TreeSource } from "../../../src/engine/tree/signed-tree.js";
import { copyLog } from "../../../src/engine/upkeep/copy.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { memoryIndex } from "../search/memory-index.js";
import { expectCode, rejection } from "../rejection.js";
import { KEYRING } from "../../keyring.js";
import { fill, openTestService, ORIGIN } from "../test-log.js";

async function logOf(count: number): Promise<MemoryLogStore> {
  const store = new MemoryLogStore();
  await fill(await openTestService({ store, index: memoryIndex(store) }), count);
  return store;
}

function sourceOf(store: LogStore): TreeSource {
  const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());
  return { log: "default", store, format: logFormat("rfc6962", nodeSha256), key };
}

async function contentOf(store: LogStore, size: number): Promise<unknown> {
  const indexes = Array.from({ length: size + 1 }, (_, i) => i);
  const tiles = await store.tiles(
    "default",
    [0, 1, 2, 3].map((index) => ({ level: 0, index })),
  );
  return { head: await store.head("default"), entries: await store.entries("default", indexes), tiles };
}

describe("a copy of a log", () => {
  it("of which there is none is refused, and nothing is made in its place", async () => {
    const [from, to] = [new MemoryLogStore(), new MemoryLogStore()];
    const error = await rejection(copyLog({ from: sourceOf(from), to }));
    expect([error.code, error.message]).toEqual(["NOT_FOUND", "There is no log default to copy."]);
    expect(await to.heads()).toEqual([]);
  });

  it.each([0, 1, 256, 3000])(
    "of %i entries is the same to the byte: entries, tiles, head, checkpoint",
    async (size) => {
      const [from, to] = [await logOf(size), new MemoryLogStore()];
      expect(await copyLog({ from: sourceOf(from), to })).toEqual({ size, found: 0 });
      const copied = await contentOf(to, size);
      const original = await contentOf(from, size);
      if (size > 0) expect(copied).toEqual(original);
      else expect(copied).toMatchObject({ head: { size: 0, checkpoint: (await from.head("default"))?.checkpoint } });
    },
  );

  it("goes on where an earlier one was cut off", async () => {
    const [from, to] = [await logOf(5000), new MemoryLogStore()];
    let appends = 0;
    const cut = Object.create(to) as LogStore;
    cut.createLog = (head) => to.createLog(head);
    cut.head = (log) => to.head(log);
    cut.leafHashes = (log, range) => to.leafHashes(log, range);
    cut.tiles = (log, ids) => to.tiles(log, ids);
    cut.append = (batch) => (appends++ === 1 ? Promise.reject(new Error("cut off")) : to.append(batch));
    await expect(copyLog({ from: sourceOf(from), to: cut })).rejects.toThrow("cut off");
    const partial = await to.head("default");
    expect(partial?.size).toBe(2048);
    expect(await copyLog({ from: sourceOf(from), to })).toEqual({ size: 5000, found: 2048 });
    expect(await contentOf(to, 5000)).toEqual(await contentOf(from, 5000));
    expect(await copyLog({ from: sourceOf(from), to })).toEqual({ size: 5000, found: 5000 });
  });

  it("signs what it has brought over so far at each step, and tells how far it is", async () => {
    const [from, to, source] = [await logOf(5_000), new MemoryLogStore(), [] as AppendBatch[]];
    const noted = replaced<LogStore>(to, { append: (batch) => (source.push(batch), to.append(batch)) });
    const told: (readonly number[])[] = [];
    await copyLog({ from: sourceOf(from), to: noted, onProgress: (...progress) => told.push(progress) });
    const sizes = [2_048, 4_096, 5_000];
    expect(told).toEqual(sizes.map((size) => [size, 5_000]));
    const { key } = sourceOf(from);
    expect(source.map(({ checkpoint }) => key.open(checkpoint))).toMatchObject(sizes.map((treeSize) => ({ treeSize })));
    expect(source.at(-1)?.checkpoint).toBe((await from.head("default"))?.checkpoint);
  });

  it("refuses a target in another format, and one that something else writes to", async () => {
    const from = await logOf(10);
    const other = new MemoryLogStore();
    await openTestService({ store: other, logs: [{ log: "default", format: "pangea" }] });
    const refused = await rejection(copyLog({ from: sourceOf(from), to: other }));
    expect([refused.code, refused.message]).toEqual([
      "CONFLICT",
      "The log default cannot be copied there: the target holds it in format pangea, the source in rfc6962.",
    ]);
    const busy = replaced<LogStore>(new MemoryLogStore(), { append: () => Promise.resolve({ kind: "conflict" }) });
    expect((await rejection(copyLog({ from: sourceOf(from), to: busy }))).message).toMatch(/something else writes/);
  });

  it("stops before an entry that is missing, or that is none though its hash is right", async () => {
    const store = await logOf(10);
    const changing = (change: (entry: StoredEntry) => StoredEntry | undefined) =>
      replaced<LogStore>(store, {
        entries: async (...asked) =>
          (await store.entries(...asked)).map((entry) => (entry?.leafIndex === 7 ? change(entry) : entry)),
      });
    const { format } = sourceOf(store);
    const malformed = (entry: StoredEntry) => ({ ...entry, canonical: "{}", leafHash: format.leafHash(utf8("{}")) });
    for (const [change, code, message] of [
      [() => undefined, "LOG_CORRUPT", "Entry 7 of default is missing."],
      [malformed, "ENTRY_CORRUPT", "Entry 7 of default does not match its leaf; nothing after it was copied."],
    ] as const) {
      const error = await rejection(copyLog({ from: sourceOf(changing(change)), to: new MemoryLogStore() }));
      expect([error.code, error.message]).toEqual([code, message]);
    }
  });

  it("is refused at its end where the entries are others than those that were signed, with hashes of their own", async () => {
    const store = await logOf(600);
    const { format } = sourceOf(store);
    const forged = replaced<LogStore>(store, {
      entries: async (...asked) =>
        (await store.entries(...asked)).map((entry) => {
          if (entry?.leafIndex !== 7) return entry;
          const canonical = entry.canonical.replace('"event ', '"other ');
          return { ...entry, canonical, leafHash: format.leafHash(utf8(canonical)) };
        }),
    });
    const to = new MemoryLogStore();
    const error = await rejection(copyLog({ from: sourceOf(forged), to }));
    expect([error.code, error.message]).toEqual([
      "LOG_CORRUPT",
      expect.stringMatching(/^The entries of default lead to [0-9a-f]{64}, not to its signed root\.$/),
    ]);
    expect((await to.head("default"))?.size).toBe(0);
  });

  it("refuses a target that holds another log, or more than the source", async () => {
    const from = sourceOf(await logOf(10));
    const other = new MemoryLogStore();
    const service = await openTestService({ store: other, index: memoryIndex(other) });
    await service.append({ log: "default", events: [{ event: { message: "other" } }], sign: false, path: "events" });
    await expectCode(copyLog({ from, to: other }), "CONFLICT");
    await expectCode(copyLog({ from, to: await logOf(11) }), "CONFLICT");
  });

  it("stops before a damaged entry, and names it", async () => {
    const store = await logOf(3000);
    const from = Object.create(store) as LogStore;
    from.head = (log) => store.head(log);
    from.leafHashes = (log, range) => store.leafHashes(log, range);
    from.tiles = (log, ids) => store.tiles(log, ids);
    from.entries = async (log, indexes) =>
      (await store.entries(log, indexes)).map((entry) =>
        entry?.leafIndex === 2500 ? { ...entry, canonical: entry.canonical.replace('"event ', '"other ') } : entry,
      );
    const to = new MemoryLogStore();
    const error = await rejection(copyLog({ from: sourceOf(from), to }));
    expect(error.code).toBe("ENTRY_CORRUPT");
    expect(error.message).toContain("2500");
    expect((await to.head("default"))?.size).toBe(2048);
  });
});
