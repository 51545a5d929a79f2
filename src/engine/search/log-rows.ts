import { AuditError } from "../../audit/errors.js";
import type { LogReads } from "../../audit/store.js";
import { HASH_BYTES, utf8 } from "../../core/bytes.js";
import { readEnvelope } from "../../core/envelope.js";
import type { AuditEvent } from "../../core/event.js";
import type { LeafRange } from "../../core/tree.js";
import type { IndexedEntry } from "../../core/words/entry-terms.js";
import { searchable, type SearchableEvent } from "../../query/searchable.js";

/** Entries read at once: up to 1 MiB each, most of them a thousandth of that. */
export const READ_ENTRIES = 64;

/** An entry as its row says, for search: nothing of it is shown. */
export class LogRow {
  #event: AuditEvent | undefined;
  #searchable: SearchableEvent | undefined;

  constructor(
    readonly leafIndex: number,
    readonly canonical: string,
    readonly leafHash: Uint8Array,
  ) {}

  /** Undefined for a row that is no envelope: it has no words and sorts as the empty text. */
  get event(): AuditEvent | undefined {
    return (this.#event ??= readEnvelope(this.canonical)?.event);
  }

  get searchable(): SearchableEvent {
    return (this.#searchable ??= this.event === undefined ? {} : searchable(this.event));
  }

  get indexed(): IndexedEntry {
    return { canonical: utf8(this.canonical), leafHash: this.leafHash };
  }
}

type RowReads = Pick<LogReads, "entries" | "head">;

/** A log to be read, until the signal aborts. */
export interface ReadLog {
  readonly reads: RowReads;
  readonly log: string;
  readonly signal?: AbortSignal | undefined;
}

/** The rows of a range, at most READ_ENTRIES; as readRowsAt. */
export function readRows(from: ReadLog, { start, end }: LeafRange): Promise<readonly LogRow[]> {
  return readRowsAt(
    from,
    Array.from({ length: end - start }, (_, place) => start + place),
  );
}

/**
 * Reads rows, in the order asked. One that the log lost is empty, so that the others are found. Rejects with UNAVAILABLE
 * when the server does not have such entries: after a failover it may be behind.
 */
export async function readRowsAt(
  { reads, log, signal }: ReadLog,
  leafIndexes: readonly number[],
): Promise<readonly LogRow[]> {
  const found = await reads.entries(log, leafIndexes, signal);
  const last = leafIndexes.reduce(
    (most, leafIndex, place) => (found[place] === undefined ? Math.max(most, leafIndex) : most),
    -1,
  );
  if (last >= 0 && ((await reads.head(log))?.size ?? 0) <= last)
    throw new AuditError("UNAVAILABLE", "The store does not have the log's newest entries at present: try again.", {
      retryAfterMs: 1_000,
    });
  return leafIndexes.map((leafIndex, place) => {
    const row = found[place];
    return new LogRow(leafIndex, row?.canonical ?? "", row?.leafHash ?? new Uint8Array(HASH_BYTES));
  });
}
