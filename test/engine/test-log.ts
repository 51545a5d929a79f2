import { expect } from "@jest/globals";
import type { AuditService, Receipt, SignedEvent } from "../../src/audit/service.js";
import type { LogStore } from "../../src/audit/store.js";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { utf8 } from "../../src/core/bytes.js";
import { formatIn } from "../../src/audit/log-declaration.js";
import { parseEnvelope, logFormat } from "../../src/core/format.js";
import { fieldText } from "../../src/core/event.js";
import { treeRoot } from "../../src/core/tree.js";
import { openLocalService, type LocalServiceOptions } from "../../src/engine/local-service.js";
import type { LocalAuditService } from "../../src/engine/log-health.js";
import { KEYRING } from "../keyring.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { memoryIndex } from "./search/memory-index.js";

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
export function openTestService(options: Partial<LocalServiceOptions> = {}): Promise<LocalAuditService> {
  const memory = new MemoryLogStore();
  return openLocalService({
    store: memory,
    index: memoryIndex(options.store instanceof MemoryLogStore ? options.store : memory),
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

/** Whoever has to pass waits until it is opened. */
export function closedGate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    passed,
    open: () => {
      open();
    },
  };
}

/** Reads a log back from its store and checks all that must hold of it, whatever happened: answers its texts in order. */
export async function checkEverything(store: LogStore, log = "default"): Promise<readonly string[]> {
  const head = await store.head(log);
  if (head === undefined) throw new Error(`no log ${log}`);
  const format = logFormat(formatIn(head.format));
  const indexes = Array.from({ length: head.size + 1 }, (_, i) => i);
  const [beyond, ...entries] = [...(await store.entries(log, indexes))].reverse();
  const found = entries.reverse().map((entry) => entry ?? failure("an index without an entry"));
  expect(beyond).toBeUndefined();
  const hashes = found.map(({ canonical }) => format.leafHash(utf8(canonical)));
  expect(found.map(({ leafHash }) => leafHash)).toEqual(hashes);
  expect(treeRoot(format, hashes)).toEqual(head.rootHash);
  const envelopes = found.map(({ canonical }) => parseEnvelope(canonical) ?? failure("an entry that is no envelope"));
  const times = envelopes.map(({ received_at }) => received_at);
  expect(times).toEqual([...times].sort());
  return envelopes.map(({ event }) => fieldText(event.message));
}

function failure(message: string): never {
  throw new Error(message);
}
