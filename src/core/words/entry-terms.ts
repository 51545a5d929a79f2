import { equalBytes, utf8, utf8Text, type Sha256 } from "../bytes.js";
import { readEnvelope } from "../format.js";
import { eventFields, isCustomField } from "../custom-field.js";
import { fieldText, type AuditEvent, type Envelope, type FieldName } from "../event.js";
import { isShallow, isWritable } from "../json.js";
import { leafTerm, presenceTerm, valueTerm, wordTerm, valueWords } from "./words.js";

/** Receives the terms and values of an entry. Byte arrays are only lent: they change after the call. */
export interface TermSink {
  /** The first `length` bytes of `term`; `position` counts the words of one field from 0, and is -1 for other terms. */
  term(term: Uint8Array, length: number, position: number): void;
  /** A field's whole value, as `fieldText` gives it. */
  value(field: FieldName, bytes: Uint8Array): void;
}

/** What is indexed of one entry. */
export interface IndexedEntry {
  /** The UTF-8 of the canonical text. */
  readonly canonical: Uint8Array;
  readonly leafHash: Uint8Array;
}

/**
 * The envelope in an entry's bytes, which need not be canonical. Undefined if there is none, or one that canonical JSON
 * could not write: an entry that a log's operator made up must not exhaust a reader's stack or make it throw. Such an
 * entry is found only by its leaf.
 */
export function envelopeOf(canonical: Uint8Array): Envelope | undefined {
  const text = utf8Text(canonical);
  const value = text === undefined || !isShallow(text) ? undefined : readEnvelope(text);
  return value !== undefined && isWritable({ ...value, event: { ...value.event } }) ? value : undefined;
}

/** The event in an entry's bytes, under the same conditions. */
export function eventOf(canonical: Uint8Array): AuditEvent | undefined {
  return envelopeOf(canonical)?.event;
}

/** Passes the terms and values of an entry to a sink. This is the definition, which every faster way must equal. */
export function entryTerms(entry: IndexedEntry, sha256: Sha256, sink: TermSink): void {
  give(leafTerm(entry.leafHash), sink);
  const event = eventOf(entry.canonical);
  if (event === undefined) return;
  for (const [field, value] of indexedFields(event, entry, sha256)) {
    give(presenceTerm(field), sink);
    give(valueTerm(fieldText(value), field, sha256), sink);
    valueWords(value).forEach((word, position) => {
      give(wordTerm(word, field), sink, position);
    });
    sink.value(field, utf8(fieldText(value)));
  }
}

/**
 * The fields that an entry is found by, first those of every event. Others count in a log of the format pangea alone, which
 * an entry shows by its own hash: so an index needs to know nothing of its log.
 */
export function indexedFields(event: AuditEvent, entry: IndexedEntry, sha256: Sha256): ReturnType<typeof eventFields> {
  const fields = eventFields(event);
  const isAllStandard = fields.every(([field]) => !isCustomField(field));
  return isAllStandard || hasCustomFields(entry, sha256) ? fields : fields.filter(([field]) => !isCustomField(field));
}

/** Whether an entry's leaf is hashed without the prefix of RFC 6962, as those of the format pangea are. */
export function hasCustomFields({ canonical, leafHash }: IndexedEntry, sha256: Sha256): boolean {
  return equalBytes(sha256(canonical), leafHash);
}

function give(term: Uint8Array, sink: TermSink, position = -1): void {
  sink.term(term, term.length, position);
}
