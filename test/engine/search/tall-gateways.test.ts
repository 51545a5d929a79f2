import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { BlockId, BlockStore } from "../../../src/audit/block-store.js";
import { wrapped } from "../../../src/audit/calls.js";
import type { AuditService, ResultPage } from "../../../src/audit/service.js";
import { describeWith } from "../../service.js";
import { hasPostgres, somePostgres, type PostgresServer } from "../../stores/postgres/server.js";
import { closedGate } from "../test-log.js";
import { expectComplete, expectCounted } from "./completeness-contract.js";
import { openMergingGateway, type MergeStep, type MergingGateway } from "./merging-gateway.js";
import { KINDS, RARE, TALL_SIZE } from "./tall-log.js";
import { LOG, mergedLying, tallPostgres, type TallStore } from "./tall-stores.js";

const LIMIT_MS = 120_000;
const NEWEST_RARE = RARE.toReversed();

interface Watched extends MergingGateway {
  readonly steps: readonly MergeStep[];
  /** Levels of segments whose blocks it has read. */
  readonly levelsRead: Set<number>;
  /** How often it has asked its store for anything. */
  readonly calls: () => number;
}

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let store: TallStore;
  const opened: Watched[] = [];
  beforeAll(async () => {
    server = await somePostgres();
    store = await tallPostgres(await server.newDatabase());
  }, LIMIT_MS);
  beforeEach(() => store.reset(), LIMIT_MS);
  afterEach(async () => {
    for (const gateway of opened.splice(0)) await gateway.close();
  });
  afterAll(() => server.close());

  async function open(atStep: (step: MergeStep, place: number) => Promise<void>): Promise<Watched> {
    const steps: MergeStep[] = [];
    const levelsRead = new Set<number>();
    const at = (step: MergeStep): Promise<void> => atStep(step, steps.push(step) - 1);
    let calls = 0;
    const watch = (blocks: BlockStore): BlockStore =>
      wrapped(blocks, (name, call) => (...args) => {
        calls++;
        if (name === "blocks") for (const { level } of args[1] as readonly BlockId[]) levelsRead.add(level);
        return call(...args);
      });
    const gateway = { ...(await openMergingGateway(store.url, at, watch)), steps, levelsRead, calls: () => calls };
    opened.push(gateway);
    return gateway;
  }

  async function untilMerged(meanwhile: () => Promise<void> = () => sleep(50)): Promise<void> {
    while ((await store.named()).join() !== "2/16,3/0") await meanwhile();
  }

  /** What each gateway has to answer at any time. */
  async function expectRight({ service }: { readonly service: AuditService }): Promise<void> {
    const page = await rare(service);
    expect([page.leafIndexes, await page.result.totalCount()]).toEqual([NEWEST_RARE, RARE.length]);
    const kind = await service.search({ log: LOG, query: "message:kind9" }, { first: 2 });
    const newest = Math.floor((TALL_SIZE - 10) / KINDS) * KINDS + 9;
    expect([kind.leafIndexes, await kind.result.totalCount()]).toEqual([
      [newest, newest - KINDS],
      Math.floor((TALL_SIZE - 10) / KINDS) + 1,
    ]);
    const byActor = { log: LOG, query: "rare", order: { field: "actor", direction: "asc" } } as const;
    expect((await service.search(byActor, { first: 9 })).leafIndexes).toEqual(RARE);
  }

  const rare = (service: AuditService): Promise<ResultPage> =>
    service.search({ log: LOG, query: "rare" }, { first: 50 });

  describe("two gateways over one log with a merge to level 3", () => {
    test(
      "merge once: one of them wins, the other takes what it built, and both answer right all the time, results from before too",
      async () => {
        const gate = closedGate();
        const atStep = (step: MergeStep): Promise<void> => (step === "staged" ? gate.passed : Promise.resolve());
        const both = [await open(atStep), await open(atStep)] as const;
        while (both.every(({ steps }) => !steps.includes("staged"))) await sleep(20);
        const before: ResultPage[] = [];
        for (const gateway of both) {
          await expectRight(gateway);
          const page = await gateway.service.search({ log: LOG, query: "rare" }, { first: 2 });
          await expectComplete(gateway.service, page);
          before.push(page);
        }
        expect(both.map(({ levelsRead }) => levelsRead.has(3))).toEqual([false, false]);
        gate.open();
        await untilMerged(async () => {
          for (const gateway of both) await expectRight(gateway);
        });
        for (const { result } of before)
          for (const { service } of both) {
            const page = await service.results(result.id, { first: 50, offset: 1 });
            expect(page.leafIndexes).toEqual(NEWEST_RARE.slice(1));
            expect(await page.result.totalCount()).toBe(RARE.length);
          }
        for (const gateway of both) {
          await expectRight(gateway);
          // Blocks of the children that it has in memory are as good; those of other words are gone.
          const oldest = { field: "received_at", direction: "asc" } as const;
          const page = await gateway.service.search(
            { log: LOG, query: "message:kind200", order: oldest },
            { first: 3 },
          );
          expect(page.leafIndexes).toEqual([200, 200 + KINDS, 200 + 2 * KINDS]);
          await expectComplete(gateway.service, await rare(gateway.service));
          await expectCounted(gateway.service, await rare(gateway.service));
        }
        const merges = both.map(({ steps }) => steps.filter((step) => step === "published").length);
        expect(merges.toSorted()).toEqual([0, 1]);
        expect(both.map(({ levelsRead }) => levelsRead.has(3))).toEqual([true, true]);
        expect(both.map(({ warnings }) => warnings)).toEqual([[], []]);
        expect(await store.lying()).toEqual(mergedLying());
      },
      LIMIT_MS,
    );

    test.each([
      ["before it has begun", (step: MergeStep) => step === "cleared"],
      ["in the middle", (step: MergeStep, place: number) => step === "staged" && place === 9],
      ["when all is staged", (step: MergeStep) => step === "to-publish"],
    ])(
      "give the merge to another while one stands still %s, and it changes nothing when it goes on",
      async (_, isStop) => {
        const gate = closedGate();
        const slow = await open((step, place) => (isStop(step, place) ? gate.passed : Promise.resolve()));
        let steps = 0;
        while (!slow.steps.some(isStop)) await sleep(20);
        await store.freeTurn();
        const quick = await open(async () => {
          steps++;
          return Promise.resolve();
        });
        await untilMerged(() => expectRight(quick));
        const calls = slow.calls();
        gate.open();
        while (slow.calls() === calls) await sleep(20);
        await sleep(200);
        await slow.close();
        opened.splice(opened.indexOf(slow), 1);
        for (const gateway of [quick, await open(() => Promise.resolve())]) await expectRight(gateway);
        expect(steps).toBeGreaterThan(0);
        expect([slow.warnings, quick.warnings]).toEqual([[], []]);
        expect(await store.lying()).toEqual(mergedLying());
      },
      LIMIT_MS,
    );
  });
});
