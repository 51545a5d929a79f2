import type { Equivalent } from "./equivalent.js";

/** Mutants of `src/engine` that no test can tell from the original. */
export const EQUIVALENT_IN_ENGINE: readonly Equivalent[] = [
  {
    file: "build/src/engine/search/pinned-searches.js",
    line: "const leaves = range.end - range.start;",
    mutant: "const leaves = range.end + range.start;",
    why: "a range has no more matches than leaves, so a larger limit finds the same",
  },
  {
    file: "build/src/engine/log/batch.js",
    line: "if (stamp >= lastReceivedAt)",
    mutant: "if (stamp > lastReceivedAt)",
    why: "entries stamped again with the time that they have are the same",
  },
  {
    file: "build/src/engine/log/sequencer.js",
    line: "if (now > this.#last)",
    mutant: "if (now >= this.#last)",
    why: "of two equal times either is the last",
  },
  {
    file: "build/src/engine/log/sequencer.js",
    line: "this.#watchAhead(micros / 1_000, newest > this.#last ? newest : this.#last);",
    mutant: "this.#watchAhead(micros / 1_000, newest >= this.#last ? newest : this.#last);",
    why: "of two equal times either is the last",
  },
  {
    file: "build/src/engine/tree/bound-times.js",
    line: "if (found === undefined)",
    mutant: "if (false)",
    why: "whoever reads times returns one for each entry, or rejects",
  },
  {
    file: "build/src/engine/log/log-tree.js",
    line: "if (tree.edge.size <= (this.#shown?.edge.size ?? -1))",
    mutant: "if (tree.edge.size < (this.#shown?.edge.size ?? -1))",
    why: "the same tree is shown again: who waits for growth looks, and waits on",
  },
  {
    file: "build/src/engine/log/log-tree.js",
    line: "if (tree.edge.size <= (this.#shown?.edge.size ?? -1))",
    mutant: "if (tree.edge.size <= (this.#shown?.edge.size ?? -(1 + 1)))",
    why: "no tree is smaller than the empty one",
  },
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
    file: "build/src/engine/search/field-order.js",
    line: "if (row !== undefined && (head === undefined || order.compare(row, head) < 0)) {",
    mutant: "if (row !== undefined && (head === undefined || order.compare(row, head) < (0 + 1))) {",
    why: "places that differ are never alike, and by a whole number",
  },
  {
    file: "build/src/engine/search/field-order.js",
    line: "if (head === undefined)",
    mutant: "if (false)",
    why: "without a head, a row was taken, or the end reached",
  },
  {
    file: "build/src/engine/search/matches.js",
    line: "if (performance.now() - this.#since > STEP_MS) {",
    mutant: "if (performance.now() - this.#since >= STEP_MS) {",
    why: "a clock of fractions never says exactly so many milliseconds, and a pause more changes nothing",
  },
  {
    file: "build/src/engine/search/pinned-searches.js",
    line: "const reading = { pin, filter: earlier === undefined ? checked.filter : checkedPin(pin).filter, signal };",
    mutant: "const reading = { pin, filter: false ? checked.filter : checkedPin(pin).filter, signal };",
    why: "the filter is that of the same search at the same time, parsed twice",
  },
  {
    file: "build/src/engine/search/segment-index.js",
    line: "if (passed + count > wanted.start) {",
    mutant: "if (passed + count >= wanted.start) {",
    why: "of what ends where the wanted begin nothing is taken",
  },
  {
    file: "build/src/engine/search/field-order.js",
    line: "if (row !== undefined)",
    mutant: "if (true)",
    why: "as many rows are read as were asked for",
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
    file: "build/src/engine/search/segment-check.js",
    line: "for (let first = 0; first < blocks - 1; first += AT_ONCE) {",
    mutant: "for (let first = 0; first <= blocks - 1; first += AT_ONCE) {",
    why: "a run of no blocks has none that is damaged",
  },
];
