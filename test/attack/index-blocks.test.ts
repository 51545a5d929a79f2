import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { BlockStore, StoredSegment } from "../../src/audit/block-store.js";
import type { IndexQuery } from "../../src/audit/search-index.js";
import type { NewEntry } from "../../src/audit/store.js";
import { replaced } from "../../src/audit/calls.js";
import { storedEntries } from "../../src/engine/search/log-rows.js";
import { SealedBlocks } from "../../src/engine/search/sealed-blocks.js";
import { SegmentIndex } from "../../src/engine/search/segment-index.js";
import { MemoryBlockStore } from "../../src/stores/memory/block-store.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { batch, emptyHead } from "../stores/batches.js";
import { logged } from "../stores/search-events.js";

const LOG = "default";
const GROUP = 4_096;
const SIZE = 2 * GROUP + 10;

type Rows = readonly StoredSegment[];
type Blocks = readonly (Uint8Array | undefined)[];

/** What stands in the tables of an index, each changed by itself. `blocks` changes what one read gives. */
const CHANGES: readonly (readonly [what: string, rows: (rows: Rows) => Rows, blocks?: (blocks: Blocks) => Blocks])[] = [
  ["segments: row deleted", (rows) => rows.slice(1)],
  ["segments: all deleted", () => []],
  ["segments.level: one less", (rows) => rows.map((row) => ({ ...row, level: 0 }))],
  ["segments.level: one more", (rows) => rows.map((row) => ({ ...row, level: 2 }))],
  ["segments.number: exchanged", (rows) => rows.map((row) => ({ ...row, number: 1 - row.number }))],
  ["segments.number: one more", (rows) => rows.map((row) => ({ ...row, number: row.number + 1 }))],
  [
    "segments: a row in the place of another",
    (rows) => rows.map((row) => ({ ...(rows[0] ?? row), number: row.number, lastLeafHash: row.lastLeafHash })),
  ],
  ["segments.blocks: one less", (rows) => rows.map((row) => ({ ...row, blocks: row.blocks - 1 }))],
  ["segments.blocks: 0", (rows) => rows.map((row) => ({ ...row, blocks: 0 }))],
  ["segments.digest: flipped", (rows) => rows.map((row) => ({ ...row, digest: flipped(row.digest) }))],
  [
    "segments.digest: exchanged",
    (rows) => rows.map((row, i) => ({ ...row, digest: rows[1 - i]?.digest ?? row.digest })),
  ],
  [
    "segments.last_leaf_hash: flipped",
    (rows) => rows.map((row) => ({ ...row, lastLeafHash: flipped(row.lastLeafHash) })),
  ],
  ["blocks: row deleted", (rows) => rows, (blocks) => blocks.map((block, i) => (i % 2 === 0 ? undefined : block))],
  ["blocks: all deleted", (rows) => rows, (blocks) => blocks.map(() => undefined)],
  ["blocks.data: flipped", (rows) => rows, (blocks) => blocks.map((block) => block && flipped(block))],
  ["blocks.data: cut", (rows) => rows, (blocks) => blocks.map((block) => block?.subarray(0, -1))],
  ["blocks.data: empty", (rows) => rows, (blocks) => blocks.map(() => new Uint8Array())],
  ["blocks.block: the next", (rows) => rows, (blocks) => [...blocks.slice(1), ...blocks.slice(0, 1)]],
];

function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, place) => (place === bytes.length >> 1 ? byte ^ 1 : byte));
}

const phrase = (word: string): IndexQuery["filter"] => ({
  kind: "phrase",
  field: "message",
  words: [word],
  prefix: false,
});
const QUERIES: readonly IndexQuery[] = [
  phrase("rare"),
  phrase("common"),
  { kind: "exact", field: "actor", value: "user3" } as const,
]
  .flatMap((filter) => [filter, { kind: "not", filter } as const])
  .flatMap((filter) =>
    (["received_at", "actor"] as const).map((field) => ({
      ...{ log: LOG, filter, range: { start: 0, end: SIZE } },
      order: { field, direction: "desc" as const },
    })),
  );

describe("whoever may write the blocks of a search index", () => {
  const log = new MemoryLogStore();
  const sound = new MemoryBlockStore();
  let right: readonly unknown[];

  beforeAll(async () => {
    const at = (leaf: number): string => `${leaf % 500 === 0 ? "rare" : "common"} number ${leaf}`;
    const entries = Array.from({ length: SIZE }, (_, leaf) =>
      logged({ message: at(leaf), actor: `user${leaf % 7}` }, leaf),
    );
    await log.createLog(emptyHead(LOG));
    await log.append(batch(LOG, 0, entries));
    const index = new SegmentIndex({ log, blocks: sound, isShared: false });
    index.follow(LOG, storedEntries(log, LOG));
    while ((await index.indexedSize(LOG)) < 2 * GROUP) await sleep(20);
    right = await answers(index);
    await index.close();
  }, 300_000);
  afterAll(() => sound.close());

  test.each(CHANGES)(
    "changes no answer: %s",
    async (what, rows, blocks = (read) => read) => {
      const moved = what === "segments: a row in the place of another";
      const attacked = replaced<BlockStore>(sound, {
        segments: async (name) => rows(await sound.segments(name)),
        blocks: async (name, ids) =>
          blocks(await sound.blocks(name, moved ? ids.map((id) => ({ ...id, number: 0 })) : ids)),
        put: () => Promise.resolve(),
        remove: () => Promise.resolve(),
        claim: () => Promise.resolve(false),
      });
      const index = new SegmentIndex({ log, blocks: attacked, isShared: false });
      expect(await answers(index)).toEqual(right);
      await index.close();
    },
    300_000,
  );
});

describe("whoever may write the blocks and the list of a sealed search index, and has no key", () => {
  const SECRET = new Uint8Array(32).fill(1);
  const log = new MemoryLogStore();
  const lie = new MemoryLogStore();
  const messages = (word: (leaf: number) => string): readonly NewEntry[] =>
    Array.from({ length: SIZE }, (_, leaf) => logged({ message: `${word(leaf)} number ${leaf}` }, leaf));
  const RARE: IndexQuery = {
    ...{ log: LOG, filter: phrase("rare"), range: { start: 0, end: SIZE } },
    order: { field: "received_at", direction: "asc" },
  };

  beforeAll(async () => {
    const honest = messages((leaf) => (leaf % 500 === 0 ? "rare" : "common"));
    // The last of each group is the same, for that is compared with the log.
    const without = messages(() => "common").map((entry, leaf) => (leaf % GROUP === GROUP - 1 ? honest[leaf] : entry));
    await log.createLog(emptyHead(LOG));
    await log.append(batch(LOG, 0, honest));
    await lie.createLog(emptyHead(LOG));
    await lie.append(
      batch(
        LOG,
        0,
        without.filter((entry) => entry !== undefined),
      ),
    );
  });

  async function built(of: MemoryLogStore, blocks: BlockStore): Promise<void> {
    const index = new SegmentIndex({ log: of, blocks, isShared: false });
    index.follow(LOG, storedEntries(of, LOG));
    while ((await index.indexedSize(LOG)) < 2 * GROUP) await sleep(20);
    await index.close();
  }

  test("has no search leave anything out with a whole index of other entries, which fsck names and the next segment takes away", async () => {
    const kept = new MemoryBlockStore();
    await built(lie, kept);
    const found = Array.from({ length: 17 }, (_, place) => 500 * place);
    const fooled = new SegmentIndex({ log, blocks: kept, isShared: false });
    // What the seal is for.
    expect(await fooled.page(RARE, { limit: 50 })).not.toEqual(found);
    const index = new SegmentIndex({ log, blocks: new SealedBlocks(kept, [SECRET]), isShared: false });
    const checked = [];
    // Before the search, which has the index built.
    for await (const { level, number, isSound } of index.check(LOG, 0)) checked.push([level, number, isSound]);
    expect(checked).toEqual([
      [1, 0, false],
      [1, 1, false],
    ]);
    expect(await index.page(RARE, { limit: 50 })).toEqual(found);
    await index.close();
    await built(log, new SealedBlocks(kept, [SECRET]));
    expect(await new SealedBlocks(kept, [SECRET]).unsealed(LOG)).toEqual([]);
  }, 300_000);

  test("cannot move a seal to another log, another place, or other blocks; an earlier key's seal counts", async () => {
    const kept = new MemoryBlockStore();
    await built(log, new SealedBlocks(kept, [SECRET]));
    const [first, second] = await kept.segments(LOG);
    if (first === undefined || second === undefined) throw new Error("two are stored");
    const seen = async (rows: Rows, secrets: readonly [Uint8Array, ...Uint8Array[]] = [SECRET], name = LOG) =>
      (
        await new SealedBlocks(replaced<BlockStore>(kept, { segments: () => Promise.resolve(rows) }), secrets).segments(
          name,
        )
      ).map(({ number }) => number);
    expect(await seen([first, second])).toEqual([0, 1]);
    expect(await seen([first, second], [SECRET], "other")).toEqual([]);
    expect(await seen([{ ...first, number: 1 }])).toEqual([]);
    expect(await seen([{ ...first, level: 2 }])).toEqual([]);
    expect(await seen([{ ...first, blocks: first.blocks - 1 }])).toEqual([]);
    expect(await seen([{ ...first, lastLeafHash: second.lastLeafHash }])).toEqual([]);
    expect(
      await seen([{ ...first, digest: Buffer.concat([second.digest.subarray(0, 32), first.digest.subarray(32)]) }]),
    ).toEqual([]);
    expect(await seen([{ ...first, digest: first.digest.subarray(0, 32) }])).toEqual([]);
    const next = new Uint8Array(32).fill(2);
    expect(await seen([first], [next])).toEqual([]);
    expect(await seen([first], [next, SECRET])).toEqual([0]);
  }, 300_000);
});

async function answers(index: SegmentIndex): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (const query of QUERIES)
    found.push((await index.page(query, { limit: 50 })).join(), await index.count(query, Infinity));
  return found;
}
