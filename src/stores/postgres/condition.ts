import type { ExactFilter, Filter, PhraseFilter } from "../../query/ast.js";
import { sectionOf, valueTerm } from "./document.js";

/** The terms of a document as the GIN index holds them; must be written exactly as in the schema. */
const TERMS = "string_to_array(btrim(terms), ' ')";

/** Takes a value and returns its placeholder in the statement: `$3`. */
export type Bind = (value: unknown) => string;

/** Per prefix, all words that begin with it; a prefix of too many words is absent. */
export type Expansions = ReadonlyMap<string, readonly string[]>;

/**
 * How the server finds out whether a document matches; all ways have the same result. `scan`: reads the document, for
 * documents that are walked anyway; no index can serve it. `look-up`: uses the GIN index wherever words or values are
 * known, then scans for the rest.
 */
export type Way = { readonly kind: "scan" } | { readonly kind: "look-up"; readonly expansions: Expansions };

export const SCAN: Way = { kind: "scan" };

/** Whether looking up narrows the documents down: some word or value that is known is in every match. */
export function canLookUp(filter: Filter, expansions: Expansions): boolean {
  const part = (inner: Filter): boolean => canLookUp(inner, expansions);
  switch (filter.kind) {
    case "phrase":
      return knownWords(filter, expansions).length > 0;
    case "exact":
      return true;
    case "and":
      return filter.filters.some(part);
    case "or":
      return filter.filters.every(part);
    case "not":
    case "all":
      return false;
  }
}

/** The prefixes in a filter, for which a look-up wants to know the words. */
export function prefixesIn(filter: Filter): readonly string[] {
  switch (filter.kind) {
    case "phrase":
      return filter.prefix ? filter.words.slice(-1) : [];
    case "and":
    case "or":
      return filter.filters.flatMap(prefixesIn);
    case "not": // excluded by scan
    case "exact":
    case "all":
      return [];
  }
}

/** The SQL condition on a row of `docs`; every value is bound, none becomes text of the statement. */
export function condition(filter: Filter, way: Way, bind: Bind): string {
  const part = (inner: Filter): string => condition(inner, way, bind);
  switch (filter.kind) {
    case "all":
      return "TRUE";
    case "phrase":
      return way.kind === "scan" ? scannedPhrase(filter, bind) : lookedUpPhrase(filter, way.expansions, bind);
    case "exact":
      return way.kind === "scan" ? contains("terms", ` ${exactTerm(filter)} `, bind) : holds([exactTerm(filter)], bind);
    case "and":
      return `(${filter.filters.map(part).join(" AND ")})`;
    case "or":
      return `(${filter.filters.map(part).join(" OR ")})`;
    case "not":
      return `NOT ${condition(filter.filter, SCAN, bind)}`;
  }
}

const exactTerm = ({ field, value }: ExactFilter): string => valueTerm(field, value);

const holds = (alternatives: readonly string[], bind: Bind): string => `${TERMS} && ${bind(alternatives)}::text[]`;

const contains = (text: string, part: string, bind: Bind): string => `strpos(${text}, ${bind(part)}) > 0`;

function scannedPhrase({ field, words, prefix }: PhraseFilter, bind: Bind): string {
  const section = field === undefined ? "terms" : `split_part(terms, '|', ${sectionOf(field)})`;
  return contains(section, ` ${words.join(" ")}${prefix ? "" : " "}`, bind);
}

/** The index knows words and not where they stand; only one word in any field needs no second look. */
function lookedUpPhrase(filter: PhraseFilter, expansions: Expansions, bind: Bind): string {
  const known = knownWords(filter, expansions);
  const conditions = known.map((alternatives) => holds(alternatives, bind));
  const isSettled = known.length === 1 && filter.words.length === 1 && filter.field === undefined;
  if (!isSettled) conditions.push(scannedPhrase(filter, bind));
  return `(${conditions.join(" AND ")})`;
}

/** Per word of a phrase the words it stands for: itself, or what its prefix expands to; left out where that is not known. */
function knownWords({ words, prefix }: PhraseFilter, expansions: Expansions): readonly (readonly string[])[] {
  const whole = prefix ? words.slice(0, -1) : words;
  const expanded = prefix ? expansions.get(words.at(-1) ?? "") : undefined;
  return [...whole.map((word) => [word]), ...(expanded === undefined ? [] : [expanded])];
}
