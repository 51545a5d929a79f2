import { digestBytes, digestOf, parseDigest } from "../bytes.js";
import { isReceivedAt, type FormatName } from "../format.js";
import { isCustomField } from "../custom-field.js";
import { EVENT_FIELDS, type CustomField, type FieldName } from "../event.js";
import { instantText, type Instant } from "../instant.js";
import { canonicalJson, parseCanonicalJson, isPlainObject, type JsonObject } from "../json.js";
import { isTreeSize } from "../tree.js";
import { WORDS_EDITION } from "../words/words.js";
import type { Question } from "./answer.js";
import { eventTime } from "./event-time.js";
import type { SegmentFilter } from "./filter.js";

/** The maximum UTF-16 units of a question: the longest query and restriction make less. */
export const MAX_QUESTION_LENGTH = 2 ** 20;
/** The maximum nesting of objects and lists: four for each parenthesis of a query. */
const MAX_LEVELS = 256;

/**
 * A question as text, for the verifier of its answer: RFC 8785, with the members of `Question`, bounds that are missing left
 * out (docs/format.md, section 8.5). Throws a RangeError for an instant outside the years 0000 to 9999.
 */
export function questionText({ filter, window, after, descending, wanted }: Question): string {
  const { from, until } = window;
  return canonicalJson({
    edition: WORDS_EDITION,
    filter: filterJson(filter),
    window: { ...(from === undefined ? {} : { from }), ...(until === undefined ? {} : { until }) },
    ...(after === undefined ? {} : { after }),
    descending,
    wanted: wantedJson(wanted),
  });
}

/**
 * Reads an untrusted question; returns undefined for anything that `questionText` does not write for a log of that
 * format. Only logs of the format pangea have custom fields.
 */
export function readQuestion(text: string, format: FormatName = "rfc6962"): Question | undefined {
  if (text.length > MAX_QUESTION_LENGTH) return undefined;
  const json = parseCanonicalJson(text, MAX_LEVELS);
  if (!isPlainObject(json)) return undefined;
  const { edition, window, after, descending } = json;
  const filter = readFilter(json["filter"]);
  const wanted = readWanted(json["wanted"]);
  if (filter !== undefined && format !== "pangea" && customFieldsIn(filter).length > 0) return undefined;
  if (edition !== WORDS_EDITION || filter === undefined || wanted === undefined || !isPlainObject(window))
    return undefined;
  const { from, until } = window;
  if (!isBound(from) || !isBound(until) || typeof descending !== "boolean") return undefined;
  if (after !== undefined && !isCount(after)) return undefined;
  const question = { filter, window: { from, until }, after, descending, wanted };
  return questionText(question) === text ? question : undefined; // not so with a member that it does not know
}

/** The custom fields that a filter names. */
export function customFieldsIn(filter: SegmentFilter): readonly CustomField[] {
  if (filter.kind === "and" || filter.kind === "or") return filter.filters.flatMap(customFieldsIn);
  if (filter.kind === "not") return customFieldsIn(filter.filter);
  return "field" in filter && isCustomField(filter.field) ? [filter.field] : [];
}

function wantedJson(wanted: Question["wanted"]): JsonObject {
  if (wanted.kind === "page") return { ...wanted };
  const { kind, cap } = wanted;
  return cap === undefined ? { kind } : { kind, cap };
}

function filterJson(filter: SegmentFilter): JsonObject {
  switch (filter.kind) {
    case "phrase": {
      const { kind, field, words, prefix } = filter;
      return { kind, ...(field === undefined ? {} : { field }), words, prefix };
    }
    case "time": {
      const [start, end] = [filter.start, filter.end].map(timeJson);
      return { kind: "time", ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
    }
    case "leaf":
      return { kind: "leaf", hash: digestOf(filter.hash) };
    case "and":
    case "or":
      return { kind: filter.kind, filters: filter.filters.map(filterJson) };
    case "not":
      return { kind: "not", filter: filterJson(filter.filter) };
    case "all":
    case "exact":
    case "present":
      return { ...filter };
  }
}

function timeJson(instant: Instant | undefined): string | undefined {
  if (instant === undefined) return undefined;
  const text = instantText(instant);
  if (text === undefined) throw new RangeError(`no time in the years 0000 to 9999: ${instant.epochMs} ms`);
  return text;
}

/** Members are read by kind; `readQuestion` refuses what is left over, or could not be read and is left out here. */
function readFilter(json: unknown): SegmentFilter | undefined {
  if (!isPlainObject(json)) return undefined;
  const { kind, field, value } = json;
  switch (kind) {
    case "all":
      return { kind };
    case "phrase":
      return readPhrase(json);
    case "exact":
      return isField(field) && typeof value === "string" ? { kind, field, value } : undefined;
    case "present":
      return isField(field) ? { kind, field } : undefined;
    case "time":
      return readTimes(json);
    case "leaf": {
      const digest = typeof json["hash"] === "string" ? parseDigest(json["hash"]) : undefined;
      return digest === undefined ? undefined : { kind, hash: digestBytes(digest) };
    }
    case "and":
    case "or": {
      const filters = readList(json["filters"], readFilter);
      return filters === undefined ? undefined : { kind, filters };
    }
    case "not": {
      const filter = readFilter(json["filter"]);
      return filter === undefined ? undefined : { kind, filter };
    }
    default:
      return undefined;
  }
}

function readPhrase({ field, words: list, prefix }: Members): SegmentFilter | undefined {
  const words = readList(list, (word) => (typeof word === "string" && word !== "" ? word : undefined));
  if (words === undefined || words.length === 0 || typeof prefix !== "boolean") return undefined;
  return field === undefined || isField(field) ? { kind: "phrase", field, words, prefix } : undefined;
}

function readTimes({ start, end }: Members): SegmentFilter {
  const [from, until] = [start, end].map((text) => (typeof text === "string" ? eventTime(text) : undefined));
  return { kind: "time", start: from, end: until };
}

function readWanted(json: unknown): Question["wanted"] | undefined {
  if (!isPlainObject(json)) return undefined;
  const { kind, limit, cap } = json;
  if (kind === "page") return isCount(limit) ? { kind, limit } : undefined;
  if (kind !== "count") return undefined;
  return cap === undefined || isCount(cap) ? { kind, cap } : undefined;
}

type Members = Readonly<Record<string, unknown>>;

function readList<T>(json: unknown, read: (item: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(json)) return undefined;
  return json.map(read).filter((item) => item !== undefined);
}

function isBound(value: unknown): value is string | undefined {
  return value === undefined || isReceivedAt(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && isTreeSize(value);
}

function isField(value: unknown): value is FieldName {
  return EVENT_FIELDS.some((field) => field === value) || isCustomField(value);
}
