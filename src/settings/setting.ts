import type { FieldProblem } from "../core/event.js";

/** A parsed value, or what would have been right; `got` is what may be said of a text that may hold a secret. */
export type Parsed<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "expected"; readonly expected: string; readonly got?: string };

/** How the text of a setting becomes its value. */
export interface Parser<T> {
  /** What stands for the value in the help: its unit, its choices, or what it is. */
  readonly value: string;
  /** `given`: for a setting that depends on another. */
  readonly parse: (text: string, given: Given) => Parsed<T>;
}

/** What the documents and the help say of a setting. */
export interface SettingRow {
  /** The environment variable. */
  readonly variable: string;
  /**
   * The flag of `auditql serve`, named as the variable is: `max-streams` of AUDITQL_MAX_STREAMS. Undefined for a secret:
   * a command line is shown to everyone on the machine.
   */
  readonly flag: string | undefined;
  readonly value: string;
  /** The text that stands for one that is not set. Empty: there is none. */
  readonly default: string;
  readonly sentence: string;
}

/** What was given at a start. */
export interface Given {
  /** The flag's text, else the variable's, else the default. */
  readonly text: (row: SettingRow) => string;
  /** Names where that text stands: `--port`, or AUDITQL_PORT. */
  readonly place: (row: SettingRow) => string;
}

export type Outcome<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "problems"; readonly problems: readonly FieldProblem[] };

/** One setting, or a group of them. */
export interface Readable<T> {
  readonly rows: readonly SettingRow[];
  readonly read: (given: Given) => Outcome<T>;
}

export interface Setting<T> extends SettingRow, Readable<T> {}

interface SettingOptions<T> extends Pick<SettingRow, "variable" | "sentence">, Partial<Pick<SettingRow, "default">> {
  readonly parser: Parser<T>;
  /** Default false. */
  readonly isSecret?: boolean;
}

/** One row of the table of settings. */
export function setting<T>(options: SettingOptions<T>): Setting<T> {
  const { variable, default: otherwise = "", parser, sentence, isSecret = false } = options;
  const name = variable
    .replace(/^AUDITQL_/, "")
    .replaceAll("_", "-")
    .toLowerCase();
  const flag = isSecret ? undefined : name;
  const row = { variable, flag, value: parser.value, default: otherwise, sentence };
  const read = (given: Given): Outcome<T> => {
    const text = given.text(row);
    const parsed = parser.parse(text, given);
    if (parsed.kind === "value") return parsed;
    const { expected, got = text } = parsed;
    return { kind: "problems", problems: [{ path: given.place(row), expected, got }] };
  };
  return { ...row, rows: [row], read };
}

type Parts<V> = { readonly [name in keyof V]: Readable<V[name]> };

/** Settings that are handed on together: an object of their values, or all that is wrong with any of them. */
export function group<V extends object>(parts: Parts<V>): Readable<Readonly<V>> {
  const rows: SettingRow[] = [];
  for (const name in parts) rows.push(...parts[name].rows);
  const read = (given: Given): Outcome<Readonly<V>> => {
    const values: Partial<V> = {};
    const problems: FieldProblem[] = [];
    for (const name in parts) {
      const outcome = parts[name].read(given);
      if (outcome.kind === "value") values[name] = outcome.value;
      else problems.push(...outcome.problems);
    }
    return isWhole(values, parts) ? { kind: "value", value: values } : { kind: "problems", problems };
  };
  return { rows, read };
}

function isWhole<V extends object>(values: Partial<V>, parts: Parts<V>): values is V {
  for (const name in parts) if (!(name in values)) return false;
  return true;
}

/** Settings that mean nothing unless one of them is set: undefined then, and what is said of the others is a slip. */
export function whereSet<T>(needed: SettingRow, settings: Readable<T>): Readable<T | undefined> {
  const read = (given: Given): Outcome<T | undefined> => {
    if (given.text(needed) !== "") return settings.read(given);
    const expected = `no value as long as ${needed.variable} is not set`;
    const problems = settings.rows.flatMap((row) => {
      const got = given.text(row);
      return got === "" ? [] : [{ path: given.place(row), expected, got }];
    });
    return problems.length === 0 ? { kind: "value", value: undefined } : { kind: "problems", problems };
  };
  return { rows: settings.rows, read };
}

/** A value that several settings make together. */
export function made<V, T>({ rows, read }: Readable<V>, make: (values: V) => T): Readable<T> {
  const readMade = (given: Given): Outcome<T> => {
    const outcome = read(given);
    return outcome.kind === "value" ? { kind: "value", value: make(outcome.value) } : outcome;
  };
  return { rows, read: readMade };
}
