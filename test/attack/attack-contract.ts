import { expect } from "@jest/globals";
import { isRefusal, type Answers, type Examined } from "./attacked-log.js";
import { mutationsOf, type Dialect, type Mutation, type Table } from "./mutations.js";

/** A store that is built once, and attacked in a copy for each change; several at once. */
export interface AttackedStore {
  readonly dialect: Dialect;
  /** What it answers when nothing was changed. */
  readonly right: Answers;
  /** What it answers after one change; undefined where the schema refuses that. */
  attack(mutation: Mutation): Promise<Examined | undefined>;
}

/** Wrong answers that nothing in a store can rule out, each with the reason. What is not named here must not happen. */
interface Concession {
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

const CONCESSIONS: readonly Concession[] = [
  {
    of: /^(identity|schema_version)/,
    reason: "tells files and versions apart, never answers: the store is refused",
    isSilent: true,
  },
  {
    of: /^receipts(: row deleted|\.key|\.log)/,
    reason: "a receipt that is gone was never there: the request is logged again",
    answers: ["a repeated request", "a bulk request", "the last entries"],
  },
  {
    of: /^receipts: row deleted/,
    reason: "nothing says how many receipts there were",
    isSilent: true,
  },
  {
    of: /^receipts\.seal: null/,
    reason: "a receipt without a seal is one of an earlier version, and is believed as far as its entries show it",
    isSilent: true,
  },
];

/** Columns that no change can be made of alone, each with the reason. */
const FIXED: Readonly<Record<string, string>> = {
  "schema_version.only_row": "a constraint lets it be 1 alone; what is without its row is attacked as `row deleted`",
};

/** Most of a change's time goes by waiting: for threads and sessions. */
const AT_ONCE = 4;

/**
 * Makes every change of every column of the tables, each in a copy of its own. What must not happen is told of all of them
 * at once: a wrong answer, a change that the check does not name, and a column that no change could be made of.
 */
export async function attackEveryColumn(store: AttackedStore, tables: readonly Table[], prefix = ""): Promise<void> {
  const faults: unknown[] = [];
  const untouched = new Set(tables.flatMap(({ name, columns }) => columns.map(({ column }) => `${name}.${column}`)));
  const mutations = tables.flatMap((table) => mutationsOf(table, store.dialect)).values();
  const attackOneByOne = async (): Promise<void> => {
    for (const mutation of mutations) {
      const examined = await store.attack(mutation);
      if (examined === undefined) continue;
      if (mutation.column !== undefined) untouched.delete(`${mutation.table}.${mutation.column}`);
      faults.push(...faultsOf(prefix + mutation.name, examined, store.right));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, attackOneByOne));
  const missed = [...untouched].filter((column) => FIXED[column] === undefined);
  expect({ faults, missed }).toEqual({ faults: [], missed: [] });
}

/** Each answer has to be the right one or a refusal, and the check of the store has to name what was changed. */
export function faultsOf(mutation: string, { findings, answers }: Examined, right: Answers): readonly unknown[] {
  const conceded = CONCESSIONS.filter(({ of }) => of.test(mutation));
  const allowed = new Set(conceded.flatMap(({ answers: names = [] }) => names));
  const expected = isRefusal(answers["a new entry"]) ? { ...right, "the last entries": "missing\nmissing" } : right;
  const wrong = Object.entries(answers).filter(
    ([name, answer]) => !allowed.has(name) && !isRefusal(answer) && !isTold(answer, expected[name]),
  );
  const forged = SEARCHES.flatMap((name) => forgedLines(answers[name], right));
  const isNamed = findings.length > 0 || conceded.some(({ isSilent }) => isSilent === true);
  return [
    ...wrong.map(([name, answer]) => ({ mutation, question: name, wrong: difference(answer, expected[name]) })),
    ...(forged.length > 0 ? [{ mutation, forged }] : []),
    ...(isNamed ? [] : [{ mutation, isNamed }]),
  ];
}

/**
 * What is shown are right lines in their order, and each that is missing is told of: by an entry that is corrupt, and so may
 * match or not, or by a stray hit.
 */
function isTold(answer: string, right = ""): boolean {
  const lines = answer.split("\n");
  const shown = lines.filter((line) => line !== "corrupt" && line !== "stray");
  const expected = right.split("\n");
  let next = 0;
  for (const line of expected) if (line === shown[next]) next += 1;
  return next === shown.length && expected.length <= lines.length;
}

/** Whatever the index says, what is shown is an entry of the log as it was logged. */
function forgedLines(answer: string | undefined, right: Answers): readonly string[] {
  const known = new Set(`${right["every entry"]}\n${right["the last entries"]}`.split("\n"));
  return (answer ?? "").split("\n").filter((line) => /^\d+ \{/.test(line) && !known.has(line));
}

function difference(answer: string, right = ""): readonly unknown[] {
  const expected = right.split("\n");
  return answer
    .split("\n")
    .flatMap((line, i) => (line === expected[i] ? [] : [[line.slice(0, 200), expected[i]?.slice(0, 200)]]))
    .slice(0, 3);
}
