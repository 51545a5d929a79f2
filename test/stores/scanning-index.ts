import type { IndexQuery, Slice } from "../../src/audit/search-index.js";
import type { LogStore } from "../../src/audit/store.js";
import { readEnvelope } from "../../src/core/format.js";
import type { AuditEvent } from "../../src/core/event.js";
import { matcherOf } from "../../src/query/filter.js";
import { sortKey, type EntryOrder } from "../../src/query/order.js";
import { compareCodePoints } from "../query/code-points.js";
import { SearchableEvent } from "../../src/core/words/entry-terms.js";

interface Match {
  readonly leafIndex: number;
  readonly event: AuditEvent | undefined;
}

/** Finds leaves by reading every entry and asking query/filter.ts: what every search index has to find. */
export class ScanningIndex {
  constructor(private readonly store: LogStore) {}

  async page(query: IndexQuery, { after, offset = 0, limit }: Slice): Promise<readonly number[]> {
    const start = after === undefined ? undefined : await this.#match(query.log, after);
    const found = (await this.#matches(query))
      .filter((match) => start === undefined || compare(start, match, query.order) < 0)
      .sort((a, b) => compare(a, b, query.order));
    return found.slice(offset, offset + limit).map(({ leafIndex }) => leafIndex);
  }

  async count(query: IndexQuery, cap: number): Promise<number> {
    return Math.min(cap, (await this.#matches(query)).length);
  }

  async #matches({ log, filter, range }: IndexQuery): Promise<readonly Match[]> {
    const leaves = Array.from({ length: Math.max(0, range.end - range.start) }, (_, place) => range.start + place);
    const all = await Promise.all(leaves.map((leaf) => this.#match(log, leaf)));
    return all.filter(({ event }) => matcherOf(filter)(new SearchableEvent(event)));
  }

  async #match(log: string, leafIndex: number): Promise<Match> {
    const [entry] = await this.store.entries(log, [leafIndex]);
    return { leafIndex, event: entry && readEnvelope(entry.canonical)?.event };
  }
}

function compare(a: Match, b: Match, { field, direction }: EntryOrder): number {
  const key = ({ event }: Match): string =>
    event === undefined || field === "received_at" ? "" : sortKey(event, field);
  const ascending = compareCodePoints(key(a), key(b)) || a.leafIndex - b.leafIndex;
  return direction === "asc" ? ascending : -ascending;
}
