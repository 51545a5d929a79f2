import type { RefusedEvent, SignedEvent } from "../../audit/service.js";
import type { NewEntry } from "../../audit/store.js";
import { utf8 } from "../../core/bytes.js";
import type { AuditEvent, Envelope } from "../../core/event.js";
import type { LogFormat } from "../../core/format.js";

/** A checked event that may be logged, with its author's signature if there is one. */
export interface CheckedEvent {
  readonly event: AuditEvent;
  readonly signature?: string;
  readonly publicKey?: string;
}

/** A request's events that may be logged, in order, and those that it skips. */
export interface CheckedRequest {
  readonly accepted: readonly AcceptedEvent[];
  readonly refused: readonly RefusedEvent[];
}

export interface AcceptedEvent {
  /** As the caller sent it. */
  readonly sent: SignedEvent;
  readonly checked: CheckedEvent;
}

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
