import { expect, test } from "@jest/globals";
import { logFormat } from "../../../src/core/format.js";
import { membershipVerdict } from "../../../src/core/proof.js";
import { VALID } from "../../../src/core/verdict.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { checkEverything, message, openTestService, TestClock } from "../test-log.js";

const TEN_MINUTES_MS = 600_000;
const ROUNDS = 20;

/** Three gateways on one log: one clock is right, one ten minutes ahead, one ten minutes behind. */
async function skewedGateways(store: MemoryLogStore) {
  const clocks = [0, TEN_MINUTES_MS, -TEN_MINUTES_MS].map((skewMs) => {
    const clock = new TestClock();
    clock.advanceMs(skewMs);
    return clock;
  });
  const options = clocks.map((clock) => ({ store, sharedStore: true, clock: clock.now }));
  return { clocks, services: await Promise.all(options.map((each) => openTestService(each))) };
}

test("clocks ten minutes ahead and behind change neither order nor proofs, and received_at never decreases", async () => {
  const store = new MemoryLogStore();
  const { clocks, services } = await skewedGateways(store);
  const [reader] = services;
  const texts: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const service = services[(round * 2) % services.length] ?? reader;
    texts.push(`event ${round}`);
    const request = { log: "default", events: [message(`event ${round}`)], sign: false, path: "event" } as const;
    expect((await service?.append(request))?.entries[0]?.leafIndex).toBe(round);
    for (const clock of clocks) clock.advanceMs(1_000);
  }
  // Among what this checks: received_at never decreases, and the root is that of the entries in this order.
  expect(await checkEverything(store)).toEqual(texts);
  for (const service of services) {
    const leafIndexes = texts.map((_text, leafIndex) => leafIndex);
    const proofs = await service.membershipProofs({ log: "default", treeSize: ROUNDS, leafIndexes });
    expect(proofs.map((proof) => membershipVerdict(logFormat("rfc6962"), proof))).toEqual(proofs.map(() => VALID));
    expect(await service.root("default")).toEqual(await reader?.root("default"));
  }
});
