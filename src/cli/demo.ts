import { replaced } from "../audit/calls.js";
import type { RootCache } from "../audit/cache.js";
import type { SearchIndex } from "../audit/search-index.js";
import { DEFAULT_LOG } from "../audit/service.js";
import type { LogStore } from "../audit/store.js";
import type { LocalAuditService } from "../engine/log-health.js";
import { openLocalService } from "../engine/local-service.js";
import { ephemeralKeyring, type Keyring } from "../keys/keyring.js";
import { TokenSealer } from "../keys/sealed-token.js";
import { CHANGED, demoDay } from "./demo-day.js";
import type { Operator, PlanEngine } from "./serve.js";

/** The stores of a gateway in memory. */
export interface MemoryStores {
  readonly store: LogStore;
  readonly index: SearchIndex;
  readonly cache: RootCache;
}

type OpenMemory = (keyring: Keyring, operator: Operator) => Promise<MemoryStores>;

/** A gateway with the demonstration behind it, whose key ends with the process. */
export function planDemo(openMemory: OpenMemory): PlanEngine {
  const keyring = ephemeralKeyring();
  return (_, operator) =>
    Promise.resolve({
      sealer: new TokenSealer(keyring.tokenSecret),
      open: async () => {
        const { store, index, cache } = await openMemory(keyring, operator);
        const { service, entries, changed } = await openDemo({ store, index, cache, keyring });
        process.stdout.write(introduction(entries, changed));
        return {
          service,
          health: { probe: () => Promise.resolve([]) },
          close: async () => {
            await service.close();
            await Promise.all([index.close(), cache.close()]);
            await store.close();
          },
        };
      },
    });
}

function introduction(entries: number, changed: number): string {
  return `
A made-up day of ${entries} events is logged, in memory. At night somebody broke into dana's account, and the row
of entry ${changed} was changed in the store afterwards. On the page at / look at

  /?q=actor:dana            what dana's account did, and the entry that is not what was logged
  /?q=status:denied         wrong passwords, hour by hour
  /?q=source:api.stripe.com what a payment service told: objects, and what they were before
  /?q=source:api.github.com the same of GitHub, real webhooks
  /?entry=${changed}               the changed entry, between the others

`;
}

export interface DemoParts extends MemoryStores {
  readonly keyring: Keyring;
}

export interface Demo {
  readonly service: LocalAuditService;
  /** How many events the day has. */
  readonly entries: number;
  /** The leaf index of the entry whose row was changed afterwards. */
  readonly changed: number;
}

const DAY_MS = 86_400_000;
const MICROS_PER_MS = 1_000;

/**
 * Opens a log of a made-up day, received as it happened, of which one entry's row was changed afterwards: the store returns another text
 * for it, as it would after an UPDATE by who has the database.
 */
export async function openDemo(parts: DemoParts, endMs = Date.now()): Promise<Demo> {
  const logged = await logDay(parts, endMs);
  // Another service, as after a restart: the one that logged an entry has it in memory.
  const service = await opened({ ...parts, store: changedAt(logged.changed, parts.store) }, Date.now);
  return { service, ...logged };
}

async function logDay(parts: DemoParts, endMs: number): Promise<Omit<Demo, "service">> {
  let nowMs = endMs - DAY_MS;
  const service = await opened(parts, () => nowMs);
  let changed = 0;
  for (const { atMs, event } of demoDay(endMs)) {
    nowMs = endMs - DAY_MS + atMs;
    const { entries } = await service.append({ log: DEFAULT_LOG, events: [{ event }], sign: false, path: "event" });
    if (event.message === CHANGED.logged) changed = entries[0]?.leafIndex ?? 0;
  }
  // Found before it was changed, it stays in the index: the page shows that it is not what was logged.
  const { leafIndexes, result } = await service.search({ log: DEFAULT_LOG, query: "" }, { first: 1 });
  await result.totalCount();
  await service.close();
  return { entries: (leafIndexes[0] ?? -1) + 1, changed };
}

function opened(parts: DemoParts, nowMs: () => number): Promise<LocalAuditService> {
  return openLocalService({
    ...{ ...parts, origin: "localhost/auditql-demo" },
    logs: [{ log: DEFAULT_LOG, format: "rfc6962" }],
    clock: () => Math.floor(nowMs() * MICROS_PER_MS),
  });
}

function changedAt(changed: number, store: LogStore): LogStore {
  return replaced<LogStore>(store, {
    canonicals: async (log, leafIndexes, signal) =>
      (await store.entries(log, leafIndexes, signal)).map((row) =>
        row?.leafIndex === changed ? row.canonical.replace(CHANGED.logged, CHANGED.shown) : row?.canonical,
      ),
  });
}
