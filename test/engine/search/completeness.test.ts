import { afterEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { BlockStore, SegmentBlocks } from "../../../src/audit/block-store.js";
import type { OpenedStore } from "../../../src/audit/search-index.js";
import type { ResultPage } from "../../../src/audit/service.js";
import { replaced } from "../../../src/audit/calls.js";
import { digestBytes } from "../../../src/core/bytes.js";
import { readQuestion } from "../../../src/core/segment/question.js";
import { Outline } from "../../../src/engine/search/outline.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { openMemory } from "../../../src/stores/memory/open.js";
import { rejection } from "../rejection.js";
import {
  completenessContract,
  expectComplete,
  expectCounted,
  gatewayOver,
  growTo,
  LOG,
  type TestGateway,
} from "./completeness-contract.js";
import { BUILD_MS, GROUP, idle, untilStored } from "./segment-indexes.js";

completenessContract("a log in memory", () => Promise.resolve([openMemory()]));

const gateways: TestGateway[] = [];
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
});

async function gateway(opened: OpenedStore, cacheBytes?: number): Promise<TestGateway> {
  const made = await gatewayOver(opened, cacheBytes);
  gateways.push(made);
  return made;
}

const search = ({ service }: TestGateway, query: string, first = 20): Promise<ResultPage> =>
  service.search({ log: LOG, query }, { first });

async function untilListed(blocks: BlockStore, names: readonly string[]): Promise<void> {
  const deadline = performance.now() + BUILD_MS;
  const listed = async (): Promise<readonly string[]> =>
    (await blocks.segments(LOG)).map(({ level, number }) => `${level}/${number}`);
  while (JSON.stringify(await listed()) !== JSON.stringify(names)) {
    if (performance.now() > deadline) throw new Error(`the segments were ${(await listed()).join(" ")}`);
    await sleep(20);
  }
}

describe("an index log", () => {
  test(
    "keeps the segments of which one was merged until its record names that one, and proves over both, and what was pinned before",
    async () => {
      const store = openMemory();
      const one = await gateway(store);
      const pinned: ResultPage[] = [];
      for (const size of [15 * GROUP + 300, 16 * GROUP, 16 * GROUP + 700]) {
        await growTo(one.service, size);
        pinned.push(await search(one, "rarely", 200));
      }
      await untilListed(store.blocks, [...Array.from({ length: 16 }, (_, number) => `1/${number}`), "2/0"]);
      for (const page of pinned) await expectComplete(one.service, page);
      await growTo(one.service, 17 * GROUP + 5);
      await untilListed(store.blocks, ["1/16", "2/0"]);
      pinned.push(await search(one, "rarely", 200));
      const restarted = await gateway({ ...store, isShared: true }, 1_000);
      for (const { service } of [one, restarted])
        for (const page of pinned) {
          await expectComplete(service, page);
          await expectCounted(service, page);
        }
      expect((await restarted.service.indexRoot(LOG, 17 * GROUP + 5)).treeSize).toBe(17 * 16);
    },
    BUILD_MS,
  );

  test("reaches as far as the segments are there, and says so where that is too little", async () => {
    const one = await gateway({ ...openMemory(), blocks: idle() });
    await growTo(one.service, GROUP + 300);
    expect((await one.service.indexRoot(LOG, GROUP + 300)).treeSize).toBe(16);
    await expectComplete(one.service, await search(one, "rarely"));
    await growTo(one.service, 3 * GROUP + 300);
    expect((await one.service.indexRoot(LOG, 3 * GROUP + 300)).treeSize).toBe(16);
    await expectComplete(one.service, await search(one, "logged"));
    const page = await search(one, "rarely", 1_000);
    expect(await rejection(one.service.completeness({ of: "page", page }))).toMatchObject({ code: "UNAVAILABLE" });
  });

  test("is made of segments that are built again where an earlier version stored them without the roots below", async () => {
    const sound = new MemoryBlockStore();
    const store = { ...openMemory(), blocks: sound };
    const one = await gateway({
      ...store,
      blocks: replaced<BlockStore>(sound, { put: (log, made) => sound.put(log, ofEarlierVersion(made)) }),
    });
    await growTo(one.service, GROUP + 300);
    await untilStored(one.index, GROUP);
    const two = await gateway(store);
    const deadline = performance.now() + BUILD_MS;
    while ((await two.service.indexRoot(LOG, GROUP + 300)).treeSize < 17) {
      if (performance.now() > deadline) throw new Error("the segment was not built again");
      await sleep(20);
    }
    await expectComplete(two.service, await search(two, "rarely"));
    const [row] = await sound.segments(LOG);
    const [outline] = await sound.blocks(LOG, [{ level: 1, number: 0, block: (row?.blocks ?? 0) - 1 }]);
    expect(outline && row && Outline.read(outline, row.digest)?.isOfLevel(1)).toBe(true);
  });

  test.each([0, 1, 40, -1])("never proves with a damaged block, number %i", async (at) => {
    const store = openMemory();
    const one = await gateway(store);
    await growTo(one.service, GROUP + 10);
    await untilStored(one.index, GROUP);
    const [row] = await store.blocks.segments(LOG);
    const ids = Array.from({ length: row?.blocks ?? 0 }, (_, block) => ({ level: 1, number: 0, block }));
    const damaged = (await store.blocks.blocks(LOG, ids)).at(at) ?? new Uint8Array();
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
    const two = await gateway(store);
    for (const query of ["rarely", "logged", "use*", "NOT export"]) {
      const page = await search(two, query, 1_000);
      await expectComplete(two.service, page);
      await expectCounted(two.service, page);
    }
  });
});

/** The outline without what it says of the segments below. */
function ofEarlierVersion({ contents, ...segment }: SegmentBlocks): SegmentBlocks {
  const whole = contents.at(-1) ?? new Uint8Array();
  const outline = whole.subarray(0, whole.length - 16 * 36);
  return { ...segment, digest: nodeSha256(outline), contents: [...contents.slice(0, -1), outline] };
}

test("a proof that does not hold is not returned", async () => {
  const one = await gateway(openMemory());
  await growTo(one.service, 300);
  const { hash } = await one.service.root(LOG, 300);
  const { format } = await one.service.identity(LOG);
  const query = {
    ...{ log: LOG, treeSize: 300, window: { start: 0, end: 300 }, format, siblings: () => Promise.resolve([]) },
    question: readQuestion(
      '{"descending":true,"edition":2,"filter":{"kind":"all"},"wanted":{"kind":"count"},"window":{}}',
    ),
    rootHash: digestBytes(hash),
  };
  const { question } = query;
  if (question === undefined) throw new Error("no question");
  const lacking = one.index.prove({ ...query, question });
  await expect(lacking).rejects.toThrow("does not hold: ENTRY_MISMATCH");
});
