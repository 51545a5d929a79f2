import type { AuditService, Receipt, SignedEvent } from "../../src/audit/service.js";
import { openLocalService, type LocalServiceOptions } from "../../src/audit/local-service.js";
import { keyringOfSeed } from "../../src/audit/keyring.js";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { MemorySearchIndex } from "../../src/stores/memory/search-index.js";

export const KEYRING = keyringOfSeed(new Uint8Array(32).fill(7));
export const ORIGIN = "test.example/auditql";
/** 2026-01-01T00:00:00Z in microseconds. */
export const NEW_YEAR = 1_767_225_600_000_000;

/** A clock that stands still until it is set. */
export class TestClock {
  constructor(public micros = NEW_YEAR) {}

  readonly now = (): number => this.micros;

  /** Goes forward, or back. */
  advanceMs(ms: number): void {
    this.micros += ms * 1_000;
  }
}

/** A service over a store; over a fresh one in memory unless told otherwise. */
export function openTestService(options: Partial<LocalServiceOptions> = {}): Promise<AuditService> {
  const memory = new MemoryLogStore();
  return openLocalService({
    store: memory,
    index: new MemorySearchIndex(options.store instanceof MemoryLogStore ? options.store : memory),
    cache: new MemoryRootCache(),
    keyring: KEYRING,
    origin: ORIGIN,
    logs: [{ log: "default", format: "rfc6962" }],
    ...options,
  });
}

export function message(text: string): SignedEvent {
  return { event: { message: text } };
}

export function messages(count: number, prefix = "event"): readonly SignedEvent[] {
  return Array.from({ length: count }, (_, i) => message(`${prefix} ${i}`));
}

/** Logs events of which nothing matters but that they are there. */
export async function logMessages(service: AuditService, count: number, log = "default"): Promise<Receipt> {
  return service.append({ log, events: messages(count), sign: false, path: "events" });
}

/** Fills a log with `count` entries, a thousand a request. */
export async function fill(service: AuditService, count: number, log = "default"): Promise<void> {
  for (let done = 0; done < count; done += 1_000) await logMessages(service, Math.min(1_000, count - done), log);
}
