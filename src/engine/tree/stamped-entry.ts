import type { CheckedEvent } from "../../audit/checked-request.js";
import type { Entry } from "../../audit/service.js";
import type { NewEntry } from "../../audit/store.js";
import { digestOf, utf8 } from "../../core/bytes.js";
import type { Envelope } from "../../core/event.js";
import type { LogFormat } from "../../core/format.js";
import type { TileSource } from "./tile-reader.js";

/** An entry without its leaf index yet. */
export interface StampedEntry extends NewEntry {
  readonly envelope: Envelope;
}

/** Wraps an event into its envelope and computes its leaf. */
export function stampEvent(format: LogFormat, checked: CheckedEvent, receivedAt: string): StampedEntry {
  const envelope = envelopeOf(checked, receivedAt);
  const canonical = format.canonicalText(envelope);
  return { envelope, canonical, leafHash: format.leafHash(utf8(canonical)), receivedAt };
}

function envelopeOf({ event, malformed, signature, publicKey }: CheckedEvent, receivedAt: string): Envelope {
  return {
    event,
    received_at: receivedAt,
    ...(malformed === undefined ? {} : { err: malformed }),
    ...(signature === undefined ? {} : { signature }),
    ...(publicKey === undefined ? {} : { public_key: publicKey }),
  };
}

type Hashed = Pick<StampedEntry, "canonical" | "leafHash">;

/**
 * The entry that a checked event became. Its envelope is parsed from the canonical text on first use: entries show what
 * was hashed, which a format may spell differently from the caller.
 */
export function entryOf(
  { log, format }: Pick<TileSource, "log" | "format">,
  leafIndex: number,
  { canonical, leafHash, envelope }: Hashed & Partial<Pick<StampedEntry, "envelope">>,
): Entry {
  let read: Envelope | undefined;
  return {
    log,
    leafIndex,
    hash: digestOf(leafHash),
    canonical,
    get envelope() {
      return (read ??= format.read(canonical) ?? envelope ?? unreadable(leafIndex));
    },
  };
}

function unreadable(leafIndex: number): never {
  throw new TypeError(`entry ${leafIndex} was logged, and is no envelope`);
}

/** An entry, and the leaf of the tree that it was compared with. */
export interface KnownEntry {
  readonly entry: Entry;
  readonly leaf: Uint8Array;
}

/** A group that waits to be indexed, and as much again that is logged meanwhile. */
const KEPT_ENTRIES = 2 ** 13;
const KEPT_CHARACTERS = 2 ** 22;

/** Entries of consecutive leaves. */
interface Run {
  readonly firstIndex: number;
  readonly entries: Kept[];
}

interface Kept extends Hashed {
  known?: KnownEntry;
}

/**
 * The newest entries that this process appended: followers, the search index and the newest pages read them soon, and then need
 * neither the store nor another hash. Like an entry that was shown twice, they are not those of another tree: whoever reads one
 * compares its leaf.
 */
export class AppendedEntries {
  #newer: Run = { firstIndex: 0, entries: [] };
  /** Dropped when the newer ones are as many. */
  #older = this.#newer;
  #characters = 0;

  constructor(private readonly source: Pick<TileSource, "log" | "format">) {}

  /** Takes what was appended from a leaf on. */
  add(firstIndex: number, entries: readonly Hashed[]): void {
    for (const [place, { canonical, leafHash }] of entries.entries()) {
      this.#makeRoom(firstIndex + place);
      this.#newer.entries.push({ canonical, leafHash });
      this.#characters += canonical.length;
    }
  }

  get(leafIndex: number): KnownEntry | undefined {
    const kept = keptIn(this.#newer, leafIndex) ?? keptIn(this.#older, leafIndex);
    return kept && (kept.known ??= { entry: entryOf(this.source, leafIndex, kept), leaf: kept.leafHash });
  }

  /** Forgets everything: the log is another than it was. */
  clear(): void {
    this.#newer = this.#older = { firstIndex: 0, entries: [] };
    this.#characters = 0;
  }

  /** Where others have appended in between, what follows is a run of its own. */
  #makeRoom(leafIndex: number): void {
    const { firstIndex, entries } = this.#newer;
    const isFull = entries.length >= KEPT_ENTRIES / 2 || this.#characters >= KEPT_CHARACTERS / 2;
    if (leafIndex === firstIndex + entries.length && !isFull) return;
    this.#older = this.#newer;
    this.#newer = { firstIndex: leafIndex, entries: [] };
    this.#characters = 0;
  }
}

function keptIn({ firstIndex, entries }: Run, leafIndex: number): Kept | undefined {
  return entries[leafIndex - firstIndex];
}
