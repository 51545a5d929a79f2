import { equalBytes, utf8, utf8Text, type Sha256 } from "../bytes.js";
import { readEnvelope } from "../format.js";
import { eventFields, isCustomField } from "../custom-field.js";
import { fieldText, takesJson, type AuditEvent, type Envelope, type EventValue, type FieldName } from "../event.js";
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

export interface SearchableField {
  /**
   * The field's words with one blank before, between and after: a phrase is in the field if ` phrase ` is in this text.
   */
  readonly words: string;
  /** The whole value; JSON other than text as its canonical text. */
  readonly value: string;
}

/** An event as search sees it: the words and the whole value of each field, made when they are first asked for, and kept. */
export class SearchableEvent {
  readonly #fields: Map<FieldName, SearchableField>;
  /** The words of all short fields, with two blanks between those of different ones, which no phrase has. */
  #short: string | undefined;
  #long: readonly FieldName[] = [];

  /** `given`: the fields that it has for search; by default all. An undefined event has none. */
  constructor(
    private readonly event: AuditEvent | undefined,
    private readonly given?: ReturnType<typeof eventFields>,
  ) {
    this.#fields = new Map(given?.map(([name, value]) => [name, new FieldSeen(value)]));
  }

  /** Undefined where the event does not have it. */
  field(name: FieldName): SearchableField | undefined {
    const known = this.#fields.get(name);
    const value = known === undefined && this.given === undefined ? this.event?.[name] : undefined;
    if (value === undefined) return known;
    const field = new FieldSeen(value);
    this.#fields.set(name, field);
    return field;
  }

  /** Whether some field has these words, with blanks around them. A short field that has them saves cutting a long one. */
  hasWords(sought: string): boolean {
    const inShort = (this.#short ??= this.#joined());
    return inShort.includes(sought) || this.#long.some((name) => this.field(name)?.words.includes(sought));
  }

  #joined(): string {
    const names = (this.given ?? (this.event === undefined ? [] : eventFields(this.event))).map(([name]) => name);
    this.#long = names.filter(takesJson);
    return names.map((name) => (takesJson(name) ? "" : (this.field(name)?.words ?? ""))).join("");
  }
}

/** Lazy because a filter reads few fields, and an object's canonical text costs more than all the rest. */
class FieldSeen implements SearchableField {
  #value: string | undefined;
  #words: string | undefined;

  constructor(private readonly field: EventValue) {}

  get value(): string {
    return (this.#value ??= fieldText(this.field));
  }

  get words(): string {
    return (this.#words ??= ` ${valueWords(this.field).join(" ")} `);
  }
}
