import { nobleSha256 } from "../../../src/core/bytes.js";
import { fieldText, type AuditEvent, type FieldName } from "../../../src/core/event.js";
import type { Instant } from "../../../src/core/instant.js";
import { eventTime } from "../../../src/core/segment/event-time.js";
import type { SegmentFilter } from "../../../src/core/segment/filter.js";
import { eventOf, indexedFields, type IndexedEntry } from "../../../src/core/words/entry-terms.js";
import { valueWords } from "../../../src/core/words/words.js";

/** An entry with its words, which the matcher reads again and again. */
export interface PlainEntry {
  readonly event: AuditEvent | undefined;
  readonly leafHash: Uint8Array;
  readonly words: ReadonlyMap<FieldName, readonly string[]>;
}

export function plainEntry(entry: IndexedEntry): PlainEntry {
  const event = eventOf(entry.canonical);
  const fields = event === undefined ? [] : indexedFields(event, entry, nobleSha256);
  const { leafHash } = entry;
  return { event, leafHash, words: new Map(fields.map(([field, value]) => [field, valueWords(value)])) };
}

/** What a filter means, without an index. */
export function matchesPlainly(filter: SegmentFilter, entry: PlainEntry): boolean {
  switch (filter.kind) {
    case "all":
      return true;
    case "phrase":
      return [...entry.words].some(([field, found]) => (filter.field ?? field) === field && hasPhrase(filter, found));
    case "exact":
      return plainValue(entry, filter.field) === filter.value;
    case "present":
      return entry.words.has(filter.field);
    case "leaf":
      return filter.hash.every((byte, place) => byte === entry.leafHash[place]);
    case "time":
      return isWithin(plainTime(entry), filter);
    case "and":
      return filter.filters.every((part) => matchesPlainly(part, entry));
    case "or":
      return filter.filters.some((part) => matchesPlainly(part, entry));
    case "not":
      return !matchesPlainly(filter.filter, entry);
  }
}

export function plainValue({ event, words }: PlainEntry, field: FieldName): string | undefined {
  const value = words.has(field) ? event?.[field] : undefined;
  return value === undefined ? undefined : fieldText(value);
}

export function plainTime(entry: PlainEntry): Instant | undefined {
  const text = plainValue(entry, "timestamp");
  return text === undefined ? undefined : eventTime(text);
}

function hasPhrase(filter: SegmentFilter & { readonly kind: "phrase" }, found: readonly string[] = []): boolean {
  const last = filter.words.length - 1;
  return found.some((_, start) =>
    filter.words.every((word, place) => {
      const candidate = found[start + place];
      return (
        candidate !== undefined && (filter.prefix && place === last ? candidate.startsWith(word) : candidate === word)
      );
    }),
  );
}

function isWithin(time: Instant | undefined, { start, end }: SegmentFilter & { readonly kind: "time" }): boolean {
  if (time === undefined) return false;
  return (start === undefined || micros(time) >= micros(start)) && (end === undefined || micros(time) < micros(end));
}

function micros({ epochMs, micros: beyond }: Instant): bigint {
  return BigInt(epochMs) * 1_000n + BigInt(beyond);
}
