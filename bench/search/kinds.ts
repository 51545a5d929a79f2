import { fieldText, type AuditEvent } from "../../src/core/event.js";
import type { SegmentFilter } from "../../src/core/segment/filter.js";
import type { KeyColumn } from "../../src/core/segment/format.js";
import type { LeafRange } from "../../src/core/tree.js";

/** One kind of search. */
export interface Kind {
  /** Made of an event of the log, taken by chance. */
  readonly filter: (pick: () => AuditEvent) => SegmentFilter;
  /** Default: all of the log. */
  readonly range?: (events: number) => LeafRange;
  /** The order, backwards. Default: of receipt. */
  readonly by?: KeyColumn;
  readonly counts?: boolean;
  /** Whether a word is to be in one field. */
  readonly isInField?: boolean;
}

const phrase = (text: string, more: object = {}): SegmentFilter => ({
  ...{ kind: "phrase", field: undefined, words: text.split(" "), prefix: false },
  ...more,
});
const exact = (field: "actor" | "status", value: string): SegmentFilter => ({ kind: "exact", field, value });
const and = (...filters: SegmentFilter[]): SegmentFilter => ({ kind: "and", filters });
const wordsOf = ({ message }: AuditEvent): readonly string[] => fieldText(message).split(" ");
const failed = exact("status", "failed");

/** The table of the design, in its order; the words are those of the message of `bench/events.ts`. */
export const KINDS: Readonly<Record<string, Kind>> = {
  "rare word": { filter: (pick) => phrase(wordsOf(pick()).at(-1) ?? "") },
  "absent word": { filter: (pick) => phrase(`absent${wordsOf(pick()).at(-1) ?? ""}`) },
  "33 % word": { filter: () => phrase("failed") },
  "0.1 % word": { filter: (pick) => phrase(wordsOf(pick())[0] ?? "") },
  "actor:value": {
    filter: (pick) => phrase((pick().actor ?? "").replace(/\W/g, " "), { field: "actor" }),
    isInField: true,
  },
  "actor=value": { filter: (pick) => exact("actor", pick().actor ?? "") },
  "actor= status=": { filter: (pick) => and(exact("actor", pick().actor ?? ""), failed) },
  "two words": { filter: (pick) => and(phrase(wordsOf(pick())[4] ?? ""), phrase(wordsOf(pick())[6] ?? "")) },
  "common and rare word": { filter: (pick) => and(phrase("failed"), phrase(wordsOf(pick()).at(-1) ?? "")) },
  "phrase of two, message": {
    filter: (pick) => phrase(wordsOf(pick()).slice(5, 7).join(" "), { field: "message" }),
    isInField: true,
  },
  "phrase everywhere": { filter: () => phrase("changed the") },
  "prefix of 3 letters": { filter: (pick) => phrase((wordsOf(pick())[0] ?? "").slice(0, 3), { prefix: true }) },
  "NOT 33 %": { filter: () => ({ kind: "not", filter: failed }) },
  "5 % window, word": {
    filter: (pick) => phrase(wordsOf(pick())[0] ?? ""),
    range: (events) => ({ start: Math.floor(0.4 * events), end: Math.floor(0.45 * events) }),
  },
  "count 33 %": { filter: () => phrase("failed", { field: "status" }), counts: true, isInField: true },
  "count rare word": { filter: (pick) => phrase(wordsOf(pick()).at(-1) ?? ""), counts: true },
  "count two words": { filter: () => and(phrase("failed"), phrase("login")), counts: true },
  "count actor= status=": { filter: (pick) => and(exact("actor", pick().actor ?? ""), failed), counts: true },
  "count phrase": { filter: (pick) => phrase(wordsOf(pick()).slice(5, 7).join(" ")), counts: true },
  "count prefix": {
    filter: (pick) => phrase((wordsOf(pick())[0] ?? "").slice(0, 2), { prefix: true }),
    counts: true,
  },
  "sort actor, 33 %": { filter: () => failed, by: "actor" },
  "sort target, 33 %": { filter: () => failed, by: "target" },
  "sort message, one actor": { filter: (pick) => exact("actor", pick().actor ?? ""), by: "message" },
  "sort actor, all": { filter: () => ({ kind: "all" }), by: "actor" },
};
