import type { Equivalent } from "./equivalent.js";

/** Mutants of `src/engine/search` that no test can tell from the original: of pieces, segments, pages and values. */
export const EQUIVALENT_IN_RESULTS: readonly Equivalent[] = [
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "this.#first = matches.places.reduce((best, place) => (this.#compare(place, best) < 0 ? place : best));",
    mutant: "this.#first = matches.places.reduce((best, place) => (this.#compare(place, best) <= 0 ? place : best));",
    why: "places that differ are never alike, and by a whole number",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "this.#first = matches.places.reduce((best, place) => (this.#compare(place, best) < 0 ? place : best));",
    mutant:
      "this.#first = matches.places.reduce((best, place) => (this.#compare(place, best) < (0 + 1) ? place : best));",
    why: "places that differ are never alike, and by a whole number",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "this.#values = Uint32Array.from(places, (place) => ((ranks[place] ?? 0) << DOCUMENT_BITS) | place);",
    mutant: "this.#values = Uint32Array.from(places, (place) => ((ranks[place] ?? (0 + 1)) << DOCUMENT_BITS) | place);",
    why: "a column has a value for each document of its piece",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "return this.#values[at] ?? 0;",
    mutant: "return this.#values[at] ?? (0 + 1);",
    why: "behind the last match the rank is 0 with either, and nobody asks for more",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "return this.#at === 0 ? this.#first : (this.#places[this.#at] ?? 0);",
    mutant: "return this.#at === 0 ? this.#first : (this.#places[this.#at] ?? (0 + 1));",
    why: "a place within the array, whose default TypeScript asks for",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "const order = (times[a] ?? 0) - (times[b] ?? 0) || (micros[a] ?? 0) - (micros[b] ?? 0) || a - b;",
    mutant: "const order = (times[a] ?? (0 + 1)) - (times[b] ?? 0) || (micros[a] ?? 0) - (micros[b] ?? 0) || a - b;",
    why: "a column has a value for each document of its piece",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "const order = (times[a] ?? 0) - (times[b] ?? 0) || (micros[a] ?? 0) - (micros[b] ?? 0) || a - b;",
    mutant: "const order = (times[a] ?? 0) - (times[b] ?? (0 + 1)) || (micros[a] ?? 0) - (micros[b] ?? 0) || a - b;",
    why: "a column has a value for each document of its piece",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "const order = (times[a] ?? 0) - (times[b] ?? 0) || (micros[a] ?? 0) - (micros[b] ?? 0) || a - b;",
    mutant: "const order = (times[a] ?? 0) - (times[b] ?? 0) || (micros[a] ?? (0 + 1)) - (micros[b] ?? 0) || a - b;",
    why: "a column has a value for each document of its piece",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "const order = (times[a] ?? 0) - (times[b] ?? 0) || (micros[a] ?? 0) - (micros[b] ?? 0) || a - b;",
    mutant: "const order = (times[a] ?? 0) - (times[b] ?? 0) || (micros[a] ?? 0) - (micros[b] ?? (0 + 1)) || a - b;",
    why: "a column has a value for each document of its piece",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: 'return utf8(instantText({ epochMs: time + FIRST_MS, micros: this.column.micros[place] ?? 0 }) ?? "");',
    mutant:
      'return utf8(instantText({ epochMs: time + FIRST_MS, micros: this.column.micros[place] ?? (0 + 1) }) ?? "");',
    why: "a column has a value for each document of its piece",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "let last = -1;",
    mutant: "let last = -(1 + 1);",
    why: "no rank is below 0",
  },
  {
    file: "build/src/engine/search/ordered-piece.js",
    line: "for (let at = this.#at; at < this.#values.length && found.length < wanted; at++) {",
    mutant: "for (let at = this.#at; at <= this.#values.length && found.length < wanted; at++) {",
    why: "behind the last match the rank is 0, whose key is known",
  },
  {
    file: "build/src/engine/search/outline.js",
    line: "for (let level = 0; level <= (children[0]?.id.level ?? -1); level++)",
    mutant: "for (let level = 0; level <= (children[0]?.id.level ?? -(1 + 1)); level++)",
    why: "without children there is no level",
  },
  {
    file: "build/src/engine/search/pinned-searches.js",
    line: "const leaves = range.end - range.start;",
    mutant: "const leaves = range.end + range.start;",
    why: "a range has no more matches than leaves, so a larger limit finds the same",
  },
  {
    file: "build/src/engine/search/pinned-searches.js",
    line: "const filter = earlier === undefined ? checked.filter : this.checked(pin).filter;",
    mutant: "const filter = false ? checked.filter : this.checked(pin).filter;",
    why: "the filter is that of the same search at the same time, parsed twice",
  },
  {
    file: "build/src/engine/search/pinned-searches.js",
    line: "const size = { limit: span.first ?? span.last ?? 0, isFromEnd: span.first === undefined };",
    mutant: "const size = { limit: span.first ?? span.last ?? (0 + 1), isFromEnd: span.first === undefined };",
    why: "a span has one of the two",
  },
  {
    file: "build/src/engine/search/search-request.js",
    line: "return span.first === undefined ? lastPage(result, span, span.last ?? 0) : firstPage(result, span, span.first);",
    mutant:
      "return span.first === undefined ? lastPage(result, span, span.last ?? (0 + 1)) : firstPage(result, span, span.first);",
    why: "a span has one of the two",
  },
  {
    file: "build/src/engine/search/segment-check.js",
    line: "for (let first = 0; first < blocks - 1; first += AT_ONCE) {",
    mutant: "for (let first = 0; first <= blocks - 1; first += AT_ONCE) {",
    why: "a run of no blocks has none that is damaged",
  },
  {
    file: "build/src/engine/search/segment-index.js",
    line: "if (passed + count > wanted.start) {",
    mutant: "if (passed + count >= wanted.start) {",
    why: "of what ends where the wanted begin nothing is taken",
  },
  {
    file: "build/src/engine/search/value-counts.js",
    line: "if (count > 0)",
    mutant: "if (true)",
    why: "a piece without a match adds to the count of no value",
  },
  {
    file: "build/src/engine/search/value-counts.js",
    line: "const heap = new Heap(readers, (a, b) => compareBytes(termOf(a), termOf(b)) < 0);",
    mutant: "const heap = new Heap(readers, (a, b) => compareBytes(termOf(a), termOf(b)) <= 0);",
    why: "equal values are added up, whichever list comes first",
  },
  {
    file: "build/src/engine/search/value-counts.js",
    line: "if (top.length > 2 * first + READ_ENTRIES)",
    mutant: "if (true)",
    why: "how often the list is cut to the most frequent does not change which they are",
  },
  {
    file: "build/src/engine/search/value-counts.js",
    line: "if (top.length > 2 * first + READ_ENTRIES)",
    mutant: "if (top.length >= 2 * first + READ_ENTRIES)",
    why: "how often the list is cut to the most frequent does not change which they are",
  },
  {
    file: "build/src/engine/search/value-counts.js",
    line: "if (top.length > 2 * first + READ_ENTRIES)",
    mutant: "if (top.length > (2 + 1) * first + READ_ENTRIES)",
    why: "how often the list is cut to the most frequent does not change which they are",
  },
  {
    file: "build/src/engine/search/value-counts.js",
    line: "if (top.length > 2 * first + READ_ENTRIES)",
    mutant: "if (top.length > 2 * first - READ_ENTRIES)",
    why: "how often the list is cut to the most frequent does not change which they are",
  },
  {
    file: "build/src/engine/search/value-counts.js",
    line: "if (count > 0)",
    mutant: "if (count >= 0)",
    why: "a piece without a match adds to the count of no value",
  },
  {
    file: "build/src/engine/search/value-counts.js",
    line: "if (this.#count === 0)",
    mutant: "if (false)",
    why: "a segment without a match has no value with one",
  },
  {
    file: "build/src/engine/search/value-counts.js",
    line: "const heap = new Heap(readers, (a, b) => compareBytes(termOf(a), termOf(b)) < 0);",
    mutant: "const heap = new Heap(readers, (a, b) => compareBytes(termOf(a), termOf(b)) < (0 + 1));",
    why: "equal values are added up, whichever list comes first",
  },
  {
    file: "build/src/engine/search/pinned-searches.js",
    line: "isTruncated: async () => cap < leaves && (await index.page(query, { offset: cap, limit: 1 }, signal)).length > 0,",
    mutant:
      "isTruncated: async () => cap <= leaves && (await index.page(query, { offset: cap, limit: 1 }, signal)).length > 0,",
    why: "behind as many matches as there are leaves there is none",
  },
  {
    file: "build/src/engine/search/search-request.js",
    line: "hasPreviousPage: start > 0 && (read.length > 0 || (await result.count()) > 0),",
    mutant: "hasPreviousPage: start > 0 && (read.length > (0 + 1) || (await result.count()) > 0),",
    why: "a result of which one match was read has one when it is counted",
  },
];
