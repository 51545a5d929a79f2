import { logFormat } from "../../src/core/format.js";
import { canonicalJson } from "../../src/core/json.js";
import type { Question } from "../../src/core/segment/answer.js";
import type { SegmentFilter } from "../../src/core/segment/filter.js";
import { eventOf } from "../../src/core/words/entry-terms.js";
import { nodeSha256 } from "../../src/keys/node-crypto.js";
import { FORMAT, IndexedLog, receivedAt } from "../core/segment/provable-log.js";
import { completenessDocument, type Claim, type CompletenessDocument } from "./completeness-document.js";

export interface CompletenessCase {
  readonly name: string;
  readonly document: CompletenessDocument;
  /** VALID, or INVALID and the reason. */
  readonly verdict: string;
}

/** A log with its index, and how many bases the index has. */
export interface Indexed {
  readonly log: IndexedLog;
  readonly indexSize: number;
}

let large: Indexed | undefined;

/** A segment of level 0, and two entries behind the index. */
export const LEAST: Indexed = { log: new IndexedLog(256 + 2), indexSize: 1 };

/** Two segments of level 0, and two entries behind the index. */
export const SMALL: Indexed = { log: new IndexedLog(2 * 256 + 2), indexSize: 2 };

/** A segment of level 1, one of level 0, and two entries behind the index. Made when it is needed. */
export function largeLog(): Indexed {
  return (large ??= { log: new IndexedLog(17 * 256 + 2), indexSize: 17 });
}

const PANGEA: Indexed = { log: new IndexedLog(256 + 5, logFormat("pangea", nodeSha256)), indexSize: 1 };

export const ALL: Question = {
  filter: { kind: "all" },
  window: { from: undefined, until: undefined },
  after: undefined,
  descending: true,
  wanted: { kind: "page", limit: 10 },
};
export const COUNT: Question = { ...ALL, wanted: { kind: "count", cap: undefined } };
export const RARE: SegmentFilter = { kind: "exact", field: "actor", value: "user7@example.com" };
const FAILED: SegmentFilter = { kind: "exact", field: "status", value: "failed" };
const EDGE: SegmentFilter = { kind: "exact", field: "source", value: "edge" };

function nots(levels: number, filter: SegmentFilter): SegmentFilter {
  return levels === 0 ? filter : { kind: "not", filter: nots(levels - 1, filter) };
}

/** What an entry of the corpus has in `new`. */
const NEW = eventOf(LEAST.log.entries[7] ?? new Uint8Array())?.new ?? {};

export function phrase(
  words: readonly string[],
  field?: "message" | "actor" | "target",
  prefix = false,
): SegmentFilter {
  return { kind: "phrase", field, words, prefix };
}

/** What an honest server answers. */
export function honest({ log, indexSize }: Indexed, question: Question): CompletenessDocument {
  return completenessDocument(log.roots(indexSize), question, log.prove(question, indexSize));
}

const second = (seconds: number): { readonly epochMs: number; readonly micros: number } => ({
  epochMs: Date.UTC(2026, 0, 1) + 1_000 * seconds,
  micros: 0,
});

const FILTERS: readonly (readonly [string, SegmentFilter])[] = [
  ["everything", { kind: "all" }],
  ["a word in any field", phrase(["alice"])],
  ["a word of one field", phrase(["bob"], "message")],
  ["words in a row, at different places", phrase(["logged", "in"], "message")],
  ["words in a row in any field", phrase(["example", "com"])],
  ["words in a row at one place in every entry that has them", phrase(["alice", "example", "com"], "actor")],
  ["a beginning of a word", phrase(["lo"], undefined, true)],
  ["a word and a beginning", phrase(["logged", "o"], "message", true)],
  ["a character of a script without blanks", phrase(["東", "京"])],
  ["a word that is nowhere", phrase(["nowhere"])],
  ["a beginning before all words", phrase(["!"], undefined, true)],
  ["a beginning behind all words", phrase(["\u{10ffff}"], undefined, true)],
  ["a whole value", RARE],
  ["a whole value that is empty", { kind: "exact", field: "action", value: "" }],
  ["a whole value of more than 255 bytes", { kind: "exact", field: "target", value: `${"long ".repeat(80)}3` }],
  ["a whole value of JSON", { kind: "exact", field: "new", value: canonicalJson(NEW) }],
  ["a field that is there", { kind: "present", field: "target" }],
  ["the event's own time, from and to", { kind: "time", start: second(60), end: second(3_600) }],
  ["the event's own time, up to a microsecond", { kind: "time", start: undefined, end: { ...second(0), micros: 1 } }],
  ["a leaf", { kind: "leaf", hash: FORMAT.leafHash(LEAST.log.entries[200] ?? new Uint8Array()) }],
  ["all of several", { kind: "and", filters: [FAILED, phrase(["bob"]), { kind: "present", field: "action" }] }],
  ["all of none", { kind: "and", filters: [] }],
  ["any of several", { kind: "or", filters: [RARE, phrase(["nowhere"]), EDGE] }],
  [
    "any of all and of a time, which is not looked at",
    { kind: "or", filters: [{ kind: "all" }, { kind: "time", start: second(60), end: undefined }] },
  ],
  ["any of none", { kind: "or", filters: [] }],
  ["none", { kind: "not", filter: phrase(["example"]) }],
  ["none of none of it, as deep as a question may be", nots(253, phrase(["bob"], "message"))],
  ["none of what is nowhere", { kind: "not", filter: phrase(["nowhere"]) }],
  [
    "some within others",
    {
      kind: "and",
      filters: [
        { kind: "not", filter: FAILED },
        { kind: "or", filters: [phrase(["東"]), phrase(["7"])] },
      ],
    },
  ],
];

/** Every kind of filter, counted, over segments and entries that are in none yet. */
export function filterCases(): readonly CompletenessCase[] {
  return FILTERS.map(([name, filter]) => valid(name, LEAST, { ...COUNT, filter }));
}

/** What is asked of the matches: pages, counts, windows, over two levels of segments. */
export function questionCases(): readonly CompletenessCase[] {
  const at = largeLog();
  const window = { from: receivedAt(4_000), until: receivedAt(4_300) };
  const rare: Question = { ...COUNT, filter: RARE };
  const disjoint: SegmentFilter = {
    kind: "and",
    filters: [FAILED, RARE, { kind: "exact", field: "actor", value: "user8@example.com" }],
  };
  const ofLarge: readonly (readonly [string, Question])[] = [
    ["the newest", ALL],
    ["the oldest", { ...ALL, descending: false }],
    ["a page that is not full", { ...rare, wanted: { kind: "page", limit: 1_000 } }],
    ["a page of nothing", { ...ALL, wanted: { kind: "page", limit: 0 } }],
    ["a page behind a leaf", { ...ALL, filter: FAILED, after: 4_200 }],
    ["a page behind a leaf, rising", { ...ALL, filter: FAILED, after: 4_090, descending: false }],
    ["a page behind the last leaf", { ...ALL, after: 2 ** 40, descending: false }],
    ["a count", rare],
    ["a count of a term that is common", { ...COUNT, filter: FAILED }],
    ["a count of a phrase over a whole segment", { ...COUNT, filter: phrase(["logged", "in"], "message") }],
    ["a count below its cap", { ...rare, wanted: { kind: "count", cap: 10_000 } }],
    ["a count at its cap", { ...COUNT, filter: FAILED, wanted: { kind: "count", cap: 40 } }],
    ["a common value, with two that exclude each other", { ...COUNT, filter: disjoint }],
    ["a window", { ...rare, window }],
    ["a window from a time on", { ...rare, window: { ...window, until: undefined } }],
    ["a window up to a time", { ...ALL, filter: FAILED, window: { ...window, from: undefined } }],
    ["a window that begins before the log", { ...ALL, window: { ...window, from: "0000-01-01T00:00:00.000000Z" } }],
    ["a window behind the log", { ...COUNT, window: { from: "9999-01-01T00:00:00.000000Z", until: undefined } }],
    ["a window of the event's own time", { ...COUNT, filter: { kind: "time", start: second(0), end: second(1_800) } }],
  ];
  return ofLarge.map(([name, question]) => valid(name, at, question));
}

/** Entries that are in no segment yet, and an index that is behind. */
export function tailCases(): readonly CompletenessCase[] {
  const words: Question = { ...COUNT, filter: phrase(["strasse"]) };
  const window = { from: receivedAt(20), until: receivedAt(30) };
  const unindexed: Indexed = { log: new IndexedLog(40), indexSize: 0 };
  return [
    valid("a log without an index", unindexed, words),
    valid("a window in a log without an index", unindexed, { ...ALL, filter: phrase(["in"]), window }),
    valid("an empty log", { log: new IndexedLog(0), indexSize: 0 }, COUNT),
    valid("an empty page of an empty log", { log: new IndexedLog(0), indexSize: 0 }, ALL),
    valid("a log of the other format, whose segments and index do not differ", PANGEA, words),
    valid("a window in a log of the other format", PANGEA, {
      ...ALL,
      window: { from: receivedAt(250), until: undefined },
    }),
    valid(
      "an older index",
      { ...largeLog(), indexSize: 16 },
      { ...ALL, filter: phrase(["東", "京"]), window: { from: receivedAt(4_330), until: undefined } },
    ),
  ];
}

function valid(name: string, at: Indexed, question: Question): CompletenessCase {
  return { name, document: honest(at, question), verdict: "VALID" };
}

export function documentOf({ log, indexSize }: Indexed, question: Question, claim: Claim): CompletenessDocument {
  return completenessDocument(log.roots(indexSize), question, claim);
}

export function refused(name: string, document: CompletenessDocument, reason: string): CompletenessCase {
  return { name, document, verdict: `INVALID ${reason}` };
}
