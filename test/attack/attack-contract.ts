import { expect } from "@jest/globals";
import { isRefusal, type Answers, type Examined } from "./attacked-log.js";

/** Wrong answers that nothing in a store can rule out, each with the reason. What is not named here must not happen. */
export interface Concession {
  /** The changes, by the beginning of their names: `table.column: how`, or `table: row deleted`. */
  readonly of: RegExp;
  readonly reason: string;
  /** The questions whose answer may be another one. */
  readonly answers?: readonly string[];
  /** The store's check may say that it is sound. */
  readonly isSilent?: true;
}

const SEARCHES = [
  "a window",
  "the oldest window",
  "the newest window",
  "a word",
  "a value",
  "an order",
  "a count",
  "an entry by its hash",
  "a download",
];

export const CONCESSIONS: readonly Concession[] = [
  {
    of: /^(index\.|docs|words|indexing)/,
    reason: "the search index is derived, can hide an entry, and counts and orders; what it shows is bound",
    answers: SEARCHES,
    isSilent: true,
  },
  {
    of: /^(identity|schema_version)/,
    reason: "tells files and versions apart, never answers: the index is made again, or the store is refused",
    isSilent: true,
  },
  {
    of: /^receipts(: row deleted|\.key|\.log)/,
    reason: "a receipt that is gone was never there: the request is logged again",
    answers: ["a repeated request", "a queued request", "the last entries"],
    isSilent: true,
  },
  {
    of: /^receipts\.seal: null/,
    reason: "a receipt without a seal is one of an earlier version, and is believed as far as its entries show it",
    isSilent: true,
  },
  {
    of: /^bulks/,
    reason: "a waiting request that was changed is refused, and what is logged next takes its place",
    answers: ["the last entries"],
  },
  {
    of: /^bulks(: row deleted|\.log|\.name|\.number|\.held_until_ms)/,
    reason: "a request that is gone, held for ever or of another log is not logged, and nobody can tell",
    answers: ["the last entries"],
    isSilent: true,
  },
];

/** Each answer is the right one or a refusal, and the check of the store names what was changed. */
export function expectNothingForged(mutation: string, examined: Examined | undefined, right: Answers): void {
  if (examined === undefined) return;
  const { findings, alarms, answers } = examined;
  const conceded = CONCESSIONS.filter(({ of }) => of.test(mutation));
  const allowed = new Set(conceded.flatMap(({ answers: names = [] }) => names));
  const wrong = Object.entries(answers).filter(
    ([name, answer]) => !allowed.has(name) && !isRefusal(answer) && !isPartOf(answer, right[name], alarms),
  );
  expect({ mutation, wrong: wrong.map(([name, answer]) => [name, difference(answer, right[name])]) }).toEqual({
    mutation,
    wrong: [],
  });
  for (const name of SEARCHES) expectGenuine(mutation, answers[name], right);
  if (conceded.some(({ isSilent }) => isSilent === true)) return;
  expect({ mutation, isNamed: findings.length > 0 }).toEqual({ mutation, isNamed: true });
}

/** Line by line: an entry that is corrupt, or a stray hit, is told as such in its place. */
function isPartOf(answer: string, right: string | undefined, alarms: readonly string[]): boolean {
  if (answer === right) return true;
  const [lines, expected] = [answer.split("\n"), right?.split("\n") ?? []];
  const isTold = (line: string, i: number): boolean => line === "corrupt" || line === "stray" || line === expected[i];
  if (lines.length === expected.length && lines.every(isTold)) return true;
  return alarms.length > 0 && lines.every((line) => ["", "0", "missing", "corrupt"].includes(line));
}

/** Whatever the index says, what is shown is an entry of the log as it was logged. */
function expectGenuine(mutation: string, answer: string | undefined, right: Answers): void {
  const known = new Set(`${right["every entry"]}\n${right["the last entries"]}\n${right["a count"]}`.split("\n"));
  const forged = (answer ?? "").split("\n").filter((line) => /^\d+ \{/.test(line) && !known.has(line));
  expect({ mutation, forged }).toEqual({ mutation, forged: [] });
}

function difference(answer: string, right: string | undefined): readonly unknown[] {
  const expected = right?.split("\n") ?? [];
  return answer
    .split("\n")
    .flatMap((line, i) => (line === expected[i] ? [] : [[line.slice(0, 200), expected[i]?.slice(0, 200)]]))
    .slice(0, 3);
}
