import { AuditError } from "../../audit/errors.js";
import type { ReadEntries, ReadEntry } from "../../audit/search-index.js";
import type { Entry } from "../../audit/service.js";
import type { LogReads } from "../../audit/store.js";
import { digestBytes, digestOf, HASH_BYTES, utf8 } from "../../core/bytes.js";
import { readEnvelope } from "../../core/format.js";
import type { AuditEvent } from "../../core/event.js";
import type { LeafRange } from "../../core/tree.js";
import { indexedFields, SearchableEvent, type IndexedEntry } from "../../core/words/entry-terms.js";
import { nodeSha256 } from "../../keys/node-crypto.js";

/** Entries read at once: up to 1 MiB each, most of them a thousandth of that. */
export const READ_ENTRIES = 64;

/** Characters of an entry from which on it is not cut into words where requests are answered: half a million can take a second. */
export const LONG_CHARACTERS = 2 ** 15;

export type EntryText = Pick<Entry, "canonical" | "hash">;

/** An entry for search: nothing of it is shown. */
export class LogRow {
  #event: AuditEvent | undefined;
  #searchable: SearchableEvent | undefined;

  constructor(
    readonly leafIndex: number,
    private readonly read: ReadEntry,
  ) {}

  /** Characters of its canonical text. */
  get characters(): number {
    return this.read.kind === "entry" ? this.read.entry.canonical.length : 0;
  }

  /** What LongEntries matches; undefined for a short or corrupt entry. */
  get long(): EntryText | undefined {
    return this.read.kind === "entry" && this.characters >= LONG_CHARACTERS ? this.read.entry : undefined;
  }

  /** Whether nobody can tell what was logged here: it may match anything. */
  get isCorrupt(): boolean {
    return this.read.kind !== "entry";
  }

  /** Undefined for what is no envelope: it has no words and sorts as the empty text. */
  get event(): AuditEvent | undefined {
    if (this.read.kind !== "entry") return undefined;
    return (this.#event ??= readEnvelope(this.read.entry.canonical)?.event);
  }

  get searchable(): SearchableEvent {
    const { event } = this;
    return (this.#searchable ??= new SearchableEvent(event, event && indexedFields(event, this.indexed, nodeSha256)));
  }

  /** 32 bytes; zeros for a corrupt entry. */
  get leafHash(): Uint8Array {
    return this.read.kind === "entry" ? digestBytes(this.read.entry.hash) : new Uint8Array(HASH_BYTES);
  }

  get indexed(): IndexedEntry {
    return { canonical: utf8(this.read.kind === "entry" ? this.read.entry.canonical : ""), leafHash: this.leafHash };
  }
}

/** A log to be read, until the signal aborts. */
export interface ReadLog {
  readonly entries: ReadEntries;
  readonly signal?: AbortSignal | undefined;
}

/** The entries of a log as they are stored, compared with nothing: for who checks the index itself. */
export function storedEntries(reads: Pick<LogReads, "entries" | "head">, log: string): ReadEntries {
  return async (leafIndexes, signal) => {
    const found = await reads.entries(log, leafIndexes, signal);
    const size = found.includes(undefined) ? ((await reads.head(log))?.size ?? 0) : Infinity;
    return leafIndexes.map((leafIndex, place): ReadEntry => {
      const row = found[place];
      if (row !== undefined)
        return { kind: "entry", entry: { canonical: row.canonical, hash: digestOf(row.leafHash) } };
      return { kind: leafIndex < size ? "corrupt" : "missing" };
    });
  };
}

/** The rows of a range, at most READ_ENTRIES; as readRowsAt. */
export function readRows(from: ReadLog, { start, end }: LeafRange): Promise<readonly LogRow[]> {
  return readRowsAt(
    from,
    Array.from({ length: end - start }, (_, place) => start + place),
  );
}

/**
 * Reads rows, in the order asked. Rejects with UNAVAILABLE when the log does not have such entries: after a failover it
 * may be behind.
 */
export async function readRowsAt(
  { entries, signal }: ReadLog,
  leafIndexes: readonly number[],
): Promise<readonly LogRow[]> {
  const found = await entries(leafIndexes, signal);
  if (found.some(({ kind }) => kind === "missing"))
    throw new AuditError("UNAVAILABLE", "The store does not have the log's newest entries at present: try again.", {
      retryAfterMs: 1_000,
    });
  return found.map((read, place) => new LogRow(leafIndexes[place] ?? 0, read));
}
