import { utf8, utf8Text, type Sha256 } from "../bytes.js";
import { readEnvelope } from "../format.js";
import { EVENT_FIELDS, fieldText, type AuditEvent, type Envelope, type EventField } from "../event.js";
import { isShallow, isWritable } from "../json.js";
import { leafTerm, presenceTerm, valueTerm, wordTerm, valueWords } from "./words.js";

/** Takes what an entry is found by. Byte arrays are only lent: they change after the call. */
export interface TermSink {
  /** The first `length` bytes of `term`; `position` counts the words of one field from 0, and is -1 for other terms. */
  term(term: Uint8Array, length: number, position: number): void;
  /** A field's whole value, as `fieldText` gives it. */
  value(field: EventField, bytes: Uint8Array): void;
}

/** What is indexed of one entry. */
export interface IndexedEntry {
  /** The UTF-8 of the canonical text. */
  readonly canonical: Uint8Array;
  readonly leafHash: Uint8Array;
}

/**
 * The envelope in an entry's bytes, which need not be canonical; undefined where there is none, or one that canonical JSON
 * could not write: what a log's operator made up must not depend on a reader's stack, nor throw. Such an entry is found by
 * its leaf alone.
 */
export function envelopeOf(canonical: Uint8Array): Envelope | undefined {
  const text = utf8Text(canonical);
  const value = text === undefined || !isShallow(text) ? undefined : readEnvelope(text);
  return value !== undefined && isWritable({ ...value, event: { ...value.event } }) ? value : undefined;
}

/** The event of an entry's bytes, likewise. */
export function eventOf(canonical: Uint8Array): AuditEvent | undefined {
  return envelopeOf(canonical)?.event;
}

/** Gives the terms and values of an entry to a sink: the definition, which every faster way must equal. */
export function entryTerms(entry: IndexedEntry, sha256: Sha256, sink: TermSink): void {
  give(leafTerm(entry.leafHash), sink);
  const event = eventOf(entry.canonical);
  if (event === undefined) return;
  for (const field of EVENT_FIELDS) {
    const value = event[field];
    if (value === undefined) continue;
    give(presenceTerm(field), sink);
    give(valueTerm(fieldText(value), field, sha256), sink);
    valueWords(value).forEach((word, position) => {
      give(wordTerm(word, field), sink, position);
    });
    sink.value(field, utf8(fieldText(value)));
  }
}

function give(term: Uint8Array, sink: TermSink, position = -1): void {
  sink.term(term, term.length, position);
}
