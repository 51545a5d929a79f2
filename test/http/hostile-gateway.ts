import { createHash } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import type { AuditEvent } from "../../src/core/event.js";
import { openLocalService } from "../../src/engine/local-service.js";
import { COMPILE_AT_HIT } from "../../src/graphql/compiled-execution.js";
import { openGateway } from "../../src/http/gateway.js";
import { ephemeralKeyring } from "../../src/keys/keyring.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { memoryIndex } from "../engine/search/memory-index.js";

/** A gateway as a process of its own, which says over IPC how long its event loop was held. */

/** Four groups that are stored as segments, and entries that are not. */
const STORED = 4 * 4_096;
const ENTRIES = STORED + 600;
const BATCH = 1_000;
const RESOLUTION_MS = 5;

/** Takes this long, in milliseconds, on a machine of the kind that runs the tests when it does nothing else. */
const IDLE_MS = 50;

/** How many times slower than when idle this process is now: work of the kinds that a request is. */
function slowness(): number {
  const startedAt = performance.now();
  const members = Array.from({ length: 10_000 }, (_, i): [string, number] => [`member${i}`, i]);
  let text = "";
  for (let i = 0; i < 3; i++) text = JSON.stringify(JSON.parse(JSON.stringify(Object.fromEntries(members))));
  for (let i = 0; i < 20; i++) createHash("sha256").update(text).digest();
  return Math.max(1, (performance.now() - startedAt) / IDLE_MS);
}

const store = new MemoryLogStore();
const index = memoryIndex(store);
const service = await openLocalService({
  ...{ store, index, cache: new MemoryRootCache() },
  ...{ keyring: ephemeralKeyring(), origin: "test.example/auditql" },
  logs: [{ log: "default", format: "rfc6962" }],
});
for (let first = 0; first < ENTRIES; first += BATCH) {
  const events = Array.from({ length: Math.min(BATCH, ENTRIES - first) }, (_, i) => ({ event: eventAt(first + i) }));
  await service.append({ log: "default", events, sign: false, path: "events" });
}
while ((await index.indexedSize("default")) < STORED) await sleep(20);
const gateway = await openGateway({
  service,
  ...{ host: "127.0.0.1", port: 0, compileAtHit: COMPILE_AT_HIT },
  logger: pino({ level: "silent" }),
  graphiqlFolder: "/nonexistent",
});
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();

const answers = {
  begin: () => {
    const before = slowness();
    // What this measuring held is not the request's.
    setTimeout(() => {
      delay.reset();
      process.send?.({ slowness: before });
    }, 4 * RESOLUTION_MS);
  },
  end: () => {
    // A hold is known once the timer that it delayed has fired.
    setTimeout(() => {
      const heldMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
      process.send?.({ heldMs, slowness: slowness() });
    }, 4 * RESOLUTION_MS);
  },
  memory: () => {
    globalThis.gc?.();
    // What waits for the end of a turn can be collected then.
    setTimeout(() => {
      globalThis.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      process.send?.({ bytes: heapUsed + external });
    }, 100);
  },
};

process.on("message", (message: keyof typeof answers) => {
  answers[message]();
});
process.on("disconnect", () => {
  process.exit(0);
});
process.send?.({ url: gateway.url });

/** Each has words of its own, for a prefix to stand for. */
function eventAt(place: number): AuditEvent {
  const digest = createHash("sha256").update(String(place)).digest("hex");
  return { message: `event ${digest.slice(0, 12)} ${digest.slice(12, 24)}`, target: digest.slice(24) };
}
