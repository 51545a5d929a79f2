import { setImmediate as others } from "node:timers/promises";
import type { IndexQuery, SearchIndex, Slice } from "../../audit/search-index.js";
import type { NewEntry } from "../../audit/store.js";
import { equalBytes } from "../../core/bytes.js";
import { readEnvelope } from "../../core/envelope.js";
import type { AuditEvent } from "../../core/event.js";
import type { LeafRange } from "../../core/tree.js";
import { matchesSearchable } from "../../query/match.js";
import { compareCodePoints, sortKey, type EntryOrder, type SortedField } from "../../query/order.js";
import { searchable } from "../../query/searchable.js";
import { Watermarks } from "../../audit/watermarks.js";
import type { MemoryLogStore } from "./log-store.js";

/** Entries scanned without a pause: a few milliseconds. */
const SCAN_AT_ONCE = 1_000;

interface Match {
  readonly leafIndex: number;
  /** Absent where the entry is not an envelope: such an entry has no words and sorts as the empty text. */
  readonly event: AuditEvent | undefined;
}

/** Finds leaves by scanning the log with query/match.ts: the reference for every other engine. */
export class MemorySearchIndex implements SearchIndex {
  readonly #store: MemoryLogStore;
  readonly #watermarks = new Watermarks();

  constructor(store: MemoryLogStore) {
    this.#store = store;
    store.onAppend((log, size) => {
      this.#watermarks.advance(log, size);
    });
  }

  reached(log: string, size: number, timeoutMs: number): Promise<boolean> {
    return this.#watermarks.reached(log, size, timeoutMs);
  }

  indexedSize(log: string): Promise<number> {
    return Promise.resolve(this.#watermarks.size(log));
  }

  async page(query: IndexQuery, slice: Slice, signal?: AbortSignal): Promise<readonly number[]> {
    const { after, offset = 0, limit } = slice;
    const start = after === undefined ? undefined : this.#match(query.log, after);
    const found = (await this.#scan(query, signal))
      .filter((match) => start === undefined || compareMatches(start, match, query.order) < 0)
      .sort((a, b) => compareMatches(a, b, query.order));
    return found.slice(offset, offset + limit).map((match) => match.leafIndex);
  }

  async count(query: IndexQuery, cap: number, signal?: AbortSignal): Promise<number> {
    return Math.min(cap, (await this.#scan(query, signal)).length);
  }

  leavesByHash(log: string, leafHash: Uint8Array, size: number): Promise<readonly number[]> {
    const found: number[] = [];
    for (const [leafIndex, entry] of this.#entries(log, { start: 0, end: size }))
      if (equalBytes(entry.leafHash, leafHash)) found.push(leafIndex);
    return Promise.resolve(found);
  }

  close(): Promise<void> {
    this.#watermarks.close();
    return Promise.resolve();
  }

  /** Pauses now and then: other work, such as an abort, cannot run before. */
  async #scan({ log, filter, range }: IndexQuery, signal?: AbortSignal): Promise<readonly Match[]> {
    const found: Match[] = [];
    signal?.throwIfAborted();
    for (const [leafIndex, { canonical }] of this.#entries(log, range)) {
      const event = readEnvelope(canonical)?.event;
      if (matchesSearchable(filter, event === undefined ? {} : searchable(event))) found.push({ leafIndex, event });
      if (leafIndex % SCAN_AT_ONCE === SCAN_AT_ONCE - 1) await others();
      signal?.throwIfAborted();
    }
    return found;
  }

  #match(log: string, leafIndex: number): Match {
    const entry = this.#store.entryAt(log, leafIndex);
    return { leafIndex, event: entry && readEnvelope(entry.canonical)?.event };
  }

  *#entries(log: string, { start, end }: LeafRange): Generator<readonly [number, NewEntry]> {
    for (let leafIndex = start; leafIndex < end; leafIndex++) {
      const entry = this.#store.entryAt(log, leafIndex);
      if (entry === undefined) return;
      yield [leafIndex, entry];
    }
  }
}

function compareMatches(a: Match, b: Match, { field, direction }: EntryOrder): number {
  const byKey = field === "received_at" ? 0 : compareCodePoints(keyOf(a, field), keyOf(b, field));
  const ascending = byKey === 0 ? a.leafIndex - b.leafIndex : byKey;
  return direction === "asc" ? ascending : -ascending;
}

const keyOf = ({ event }: Match, field: SortedField): string => (event === undefined ? "" : sortKey(event, field));
