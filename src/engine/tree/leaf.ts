import type { CheckedEvent } from "../../audit/checked-request.js";
import type { NewEntry } from "../../audit/store.js";
import { utf8 } from "../../core/bytes.js";
import type { Envelope } from "../../core/event.js";
import type { LogFormat } from "../../core/format.js";

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

function envelopeOf({ event, signature, publicKey }: CheckedEvent, receivedAt: string): Envelope {
  return {
    event,
    received_at: receivedAt,
    ...(signature === undefined ? {} : { signature }),
    ...(publicKey === undefined ? {} : { public_key: publicKey }),
  };
}
