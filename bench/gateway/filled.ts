import { setTimeout as sleep } from "node:timers/promises";
import { post } from "./load.js";
import { logBulk } from "./operations.js";
import type { Served } from "./served.js";

const BULK = 1_000;
/** One request is parsed while another is committed. */
const IN_FLIGHT = 4;
const LOOK_MS = 1_000;
/** What a gateway that nobody asks spends in that time is less than this. */
const IDLE_MS = 50;
/** More than the 5 s after which a gateway on a shared database looks what there is to build. */
const QUIET_LOOKS = 7;

/** Logs the events of `bench/events.ts` from one place to another, 1,000 in a request, and waits until all are durable. */
export async function fill(gateway: Served, from: number, to: number): Promise<void> {
  const starts = Array.from({ length: Math.ceil((to - from) / BULK) }, (_, i) => from + i * BULK).values();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const start of starts) await post(gateway.url, JSON.stringify(logBulk(start, Math.min(BULK, to - start))));
    }),
  );
}

/** Waits until the gateway has nothing left to build, merge or remove: until it spends no processor time for some seconds. */
export async function untilIdle(gateway: Served): Promise<void> {
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    const before = gateway.processorMs();
    await sleep(LOOK_MS);
    quiet = gateway.processorMs() - before <= IDLE_MS ? quiet + 1 : 0;
  }
}
