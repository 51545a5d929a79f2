import type { LogReads, LogStore } from "../../../src/audit/store.js";
import type { AuditService } from "../../../src/audit/service.js";
import { utf8 } from "../../../src/core/bytes.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { memoryIndex } from "../search/memory-index.js";
import { fill, openTestService } from "../test-log.js";

/**
 * A store whose answers were changed on their way: what stands in `answers` takes the place of the honest method. Texts are those
 * of the entries that it shows.
 */
export function damaged(honest: LogStore, answers: Partial<LogStore>): LogStore {
  const store: LogStore = new Proxy(honest, {
    get: (target, name) => {
      if (name === "snapshot" && answers.snapshot === undefined)
        return (look: (reads: LogReads) => unknown) => look(store);
      if (name === "canonicals" && answers.canonicals === undefined) return canonicalsOf(store);
      const value: unknown = Reflect.get(name in answers ? answers : target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  return store;
}

/** The texts of the entries that a store shows. */
export function canonicalsOf(store: Pick<LogReads, "entries">): LogReads["canonicals"] {
  return async (...asked) => (await store.entries(...asked)).map((entry) => entry && utf8(entry.canonical));
}

export function flipped(bytes: Uint8Array, place: number, bit = 1): Uint8Array {
  return bytes.map((byte, i) => (i === place ? byte ^ bit : byte));
}

/** A log in memory, and services over it that are told something else than it holds. */
export class LogInMemory {
  readonly store = new MemoryLogStore();
  readonly index = memoryIndex(this.store);
  readonly alarms: string[] = [];

  /** What stands in `answers` takes the place of what the store says, as in `damaged`. */
  open(answers: Partial<LogStore> = {}): Promise<AuditService> {
    const { store, index, alarms } = this;
    return openTestService({ store: damaged(store, answers), index, alarm: (text) => alarms.push(text) });
  }

  async fill(count: number): Promise<void> {
    await fill(await this.open(), count);
  }
}
