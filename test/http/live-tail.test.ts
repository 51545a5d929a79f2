import { describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { setImmediate as otherTurn } from "node:timers/promises";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { EVENTS } from "../access/credentials.js";
import { fill, logMessages, openTestService } from "../engine/test-log.js";
import { cuttingProxy, tailGateway, TRANSPORTS, transports, type TailClient } from "./tail-clients.js";
import { FOLLOW, indexesOf, nextOf, tailTest, take, watching } from "./tail-test.js";

const tails = tailTest();
const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

/** Reproducible numbers from 0 to 1 (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    const mixed = Math.imul(state ^ (state >>> 15), state | 1);
    return ((mixed ^ (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a program does that must miss nothing: it subscribes again from where it was, whatever happened. */
async function follow(tail: TailClient, count: number): Promise<readonly number[]> {
  const seen: number[] = [];
  while (seen.length < count) {
    try {
      for await (const { data } of tail.iterate({ query: FOLLOW, variables: { from: (seen.at(-1) ?? -1) + 1 } })) {
        if (data) seen.push(data.entryLogged.leafIndex);
        if (seen.length === count) break;
      }
    } catch {
      // the connection was cut
    }
  }
  return seen;
}

describe.each(transports)("a live tail over %s", (transport) => {
  test("resumes without gap or repeat, however often and wherever its connections are cut, on two gateways", async () => {
    const store = new MemoryLogStore();
    const services = await Promise.all([0, 1].map(() => openTestService({ store, sharedStore: true })));
    const gateways = await Promise.all(services.map((each) => tails.opened({}, each)));
    const random = randomOf(20_261_122);
    const proxy = await cuttingProxy(gateways, () => 200 + Math.floor(random() ** 2 * 30_000));
    tails.after(() => {
      proxy.close();
    });
    const following = follow(TRANSPORTS[transport](proxy.url), 2_000);
    await Promise.all(
      services.map(async (each) => {
        for (let logged = 0; logged < 1_000; logged += 10) {
          await logMessages(each, 10);
          await otherTurn(); // a store in memory answers at once, and would leave the other gateway none
        }
      }),
    );
    expect(await following).toEqual(range(0, 2_000));
    expect(proxy.count()).toBeGreaterThan(5);
  });

  test("shows what its query matches, from the moment it was opened", async () => {
    await tails.service.append({ log: "default", events: EVENTS, sign: false, path: "events" });
    const stream = tails.client(transport, await tails.opened()).iterate({
      query: 'subscription { entryLogged(query: "actor:bob", fromLeafIndex: 2) { leafIndex } }',
    });
    expect(indexesOf(await take(stream, 2))).toEqual([3, 5]);
  });

  test("is completed at once when the gateway stops, so that its reader goes elsewhere", async () => {
    await fill(tails.service, 1);
    const gateway = await tailGateway(tails.service);
    const stream = tails.client(transport, gateway).iterate({ query: FOLLOW, variables: { from: 0 } });
    expect(indexesOf([await nextOf(stream)])).toEqual([0]);
    const rest = take(stream);
    await gateway.close(60_000);
    expect(await rest).toEqual([]);
  });

  test("tells what is wrong with a subscription, in the API's codes", async () => {
    const stream = tails.client(transport, await tails.opened()).iterate({ query: FOLLOW, variables: { from: 7 } });
    const told = await take(stream).then(JSON.stringify, JSON.stringify);
    expect(told).toContain("BAD_USER_INPUT");
  });

  test("lets go of the log when its reader leaves", async () => {
    const { watched, begun } = watching(tails.service);
    const stream = tails
      .client(transport, await tails.opened({}, watched))
      .iterate({ query: FOLLOW, variables: { from: 0 } });
    const gone = begun.then((signal) => once(signal, "abort"));
    await fill(tails.service, 1);
    await take(stream, 1);
    await gone;
    expect((await begun).aborted).toBe(true);
  });

  test("is one of so many, and no more", async () => {
    await fill(tails.service, 1);
    const gateway = await tails.opened({ streamLimits: { maxStreams: 1 } });
    const first = tails.client(transport, gateway).iterate({ query: FOLLOW, variables: { from: 0 } });
    await first.next();
    const second = tails.client(transport, gateway).iterate({ query: FOLLOW, variables: { from: 0 } });
    await expect(second.next()).rejects.toBeDefined();
    await fill(tails.service, 1);
    expect(indexesOf([await nextOf(first)])).toEqual([1]);
  });
});
