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

/**
 * The entry that a checked event became. Its envelope is parsed from the canonical text on first use: entries show what
 * was hashed, which a format may spell differently from the caller.
 */
export function entryOf(
  { log, format }: Pick<TileSource, "log" | "format">,
  leafIndex: number,
  { canonical, leafHash, envelope }: StampedEntry,
): Entry {
  let read: Envelope | undefined;
  return {
    log,
    leafIndex,
    hash: digestOf(leafHash),
    canonical,
    get envelope() {
      return (read ??= format.read(canonical) ?? envelope);
    },
  };
}
