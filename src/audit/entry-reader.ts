import { digestOf, equalBytes, utf8 } from "../core/bytes.js";
import { readEnvelope } from "../core/envelope.js";
import type { Envelope } from "../core/event.js";
import type { StampedEntry } from "./leaf.js";
import type { Entry, EntryOutcome } from "./service.js";
import type { TreeSource } from "./signed-tree.js";
import type { StoredEntry } from "./store.js";

/**
 * The entry that a checked event became. Its envelope is read back from the canonical text, when somebody looks: what is
 * shown is what was hashed, which a format may have spelled in another way than the caller.
 */
export function entryOf(log: string, leafIndex: number, { canonical, leafHash, envelope }: StampedEntry): Entry {
  let read: Envelope | undefined;
  return {
    log,
    leafIndex,
    hash: digestOf(leafHash),
    canonical,
    get envelope() {
      return (read ??= readEnvelope(canonical) ?? envelope);
    },
  };
}

/** Reads entries and hashes each again: whatever was changed behind our back is never shown as genuine. */
export class EntryReader {
  constructor(private readonly source: Pick<TreeSource, "log" | "store" | "format">) {}

  /**
   * In the order asked, one read for all; `missing` from `size` on, where nothing is covered by the signed root. Rejects
   * with the signal's reason once that aborts.
   */
  async read(leafIndexes: readonly number[], size: number, signal?: AbortSignal): Promise<readonly EntryOutcome[]> {
    const covered = leafIndexes.filter((leafIndex) => leafIndex < size);
    const stored = covered.length === 0 ? [] : await this.source.store.entries(this.source.log, covered, signal);
    let next = 0;
    return leafIndexes.map((leafIndex) =>
      leafIndex < size ? this.#outcome(leafIndex, stored[next++]) : { kind: "missing" },
    );
  }

  /** An entry inside the signed tree that cannot be read is as corrupt as one that was changed. */
  #outcome(leafIndex: number, stored: StoredEntry | undefined): EntryOutcome {
    const envelope = stored && this.#isGenuine(leafIndex, stored) ? readEnvelope(stored.canonical) : undefined;
    if (stored === undefined || envelope === undefined) return { kind: "corrupt", leafIndex };
    const { canonical, leafHash } = stored;
    return { kind: "entry", entry: { log: this.source.log, leafIndex, hash: digestOf(leafHash), canonical, envelope } };
  }

  #isGenuine(leafIndex: number, stored: StoredEntry): boolean {
    return stored.leafIndex === leafIndex && equalBytes(this.#leafHash(stored.canonical), stored.leafHash);
  }

  /** No hash at all for a text that the format refuses: nobody could have logged it. */
  #leafHash(canonical: string): Uint8Array {
    try {
      return this.source.format.leafHash(utf8(canonical));
    } catch {
      return new Uint8Array();
    }
  }
}
