import type { FieldProblem } from "../core/event.js";

/** A parsed value, or what would have been right; `got` is what may be said of a text that may hold a secret. */
export type Parsed<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "expected"; readonly expected: string; readonly got?: string };

/** How the text of a setting is parsed. */
export interface Parser<T> {
  /** What stands for the value in the help: its unit, its choices, or what it is. */
  readonly value: string;
  /** `given`: for a setting that depends on another. */
  readonly parse: (text: string, given: Given) => Parsed<T>;
}

/** A setting as the documents and the help describe it. */
export interface SettingRow {
  /** The environment variable. */
  readonly variable: string;
  /**
   * The flag of `auditql serve`, named as the variable is: `max-streams` of AUDITQL_MAX_STREAMS. Undefined for a secret:
   * a command line is shown to everyone on the machine.
   */
  readonly flag: string | undefined;
  readonly value: string;
  /** The text that applies if the setting is not given. Empty: none. */
  readonly default: string;
  readonly sentence: string;
}

/** Reads a file that holds the value of a setting and nothing else. */
export type ReadSecret = (path: string) => Parsed<string>;

/** What was given at a start. */
export interface Given {
  /** The flag's text, else the variable's, else the default. */
  readonly text: (row: SettingRow) => string;
  /** Names where that text stands: `--port`, or AUDITQL_PORT. */
  readonly place: (row: SettingRow) => string;
  /** What the file at this path holds. */
  readonly secretIn: ReadSecret;
  /** Where it was given; undefined for the default. */
  readonly by: (row: SettingRow) => "flag" | "variable" | undefined;
}

export type Outcome<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "problems"; readonly problems: readonly FieldProblem[] };

/** One setting, or a group of them. */
export interface Readable<T> {
  readonly rows: readonly SettingRow[];
  readonly read: (given: Given) => Outcome<T>;
}

export interface Setting<T> extends SettingRow, Readable<T> {
  /** The setting of the file that may hold the value in its place, such as AUDITQL_STORE_FILE. */
  readonly file: SettingRow | undefined;
}

interface SettingOptions<T> extends Pick<SettingRow, "variable" | "sentence">, Partial<Pick<SettingRow, "default">> {
  readonly parser: Parser<T>;
  /** `value`: it is never on a command line. `part`: it may have a password in it. Either may be in a file. Default: neither. */
  readonly secret?: "value" | "part";
}

/** One row of the table of settings. */
export function setting<T>(options: SettingOptions<T>): Setting<T> {
  const { variable, default: otherwise = "", parser, sentence, secret } = options;
  const name = variable
    .replace(/^AUDITQL_/, "")
    .replaceAll("_", "-")
    .toLowerCase();
  const flag = secret === "value" ? undefined : name;
  const row = { variable, flag, value: parser.value, default: otherwise, sentence };
  const file = secret === undefined ? undefined : fileRow(variable, `${name}-file`);
  const read = (given: Given): Outcome<T> => {
    if (file !== undefined && isInFile(row, file, given)) return readInFile(row, file, { given, parser });
    const text = given.text(row);
    const parsed = parser.parse(text, given);
    return parsed.kind === "value" ? parsed : problem(given.place(row), { got: text, ...parsed });
  };
  return { ...row, rows: file === undefined ? [row] : [row, file], file, read };
}

function fileRow(variable: string, flag: string): SettingRow {
  const sentence = `File that holds ${variable} in its place, and nothing else; read at the start.`;
  return { variable: `${variable}_FILE`, flag, value: "path", default: "", sentence };
}

/** A flag wins over a variable, whichever of the two it is of. */
function isInFile(row: SettingRow, file: SettingRow, given: Given): boolean {
  const by = given.by(file);
  return by !== undefined && (by === "flag" || given.by(row) !== "flag");
}

interface FileReading<T> {
  readonly given: Given;
  readonly parser: Parser<T>;
}

function readInFile<T>(row: SettingRow, file: SettingRow, { given, parser }: FileReading<T>): Outcome<T> {
  const path = given.text(file);
  const place = given.place(file);
  if (given.by(row) === given.by(file))
    return problem(place, { expected: `no value as long as ${given.place(row)} is set`, got: path });
  const held = given.secretIn(path);
  if (held.kind === "expected") return problem(place, { got: path, ...held });
  const parsed = parser.parse(held.value, given);
  return parsed.kind === "value" ? parsed : problem(place, { got: "other text", ...parsed });
}

function problem(path: string, { expected, got }: Pick<FieldProblem, "expected" | "got">): Outcome<never> {
  return { kind: "problems", problems: [{ path, expected, got }] };
}

/** The files that hold the values of these settings. */
export function filesOf(settings: readonly Setting<unknown>[]): Readable<readonly string[]> {
  const read = (given: Given): Outcome<readonly string[]> => {
    const value = settings.flatMap((setting) =>
      setting.file !== undefined && isInFile(setting, setting.file, given) ? [given.text(setting.file)] : [],
    );
    return { kind: "value", value };
  };
  return { rows: [], read };
}

type Parts<V> = { readonly [name in keyof V]: Readable<V[name]> };

/** Settings that are passed on together: an object of their values, or every problem with any of them. */
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

/**
 * Settings that are meaningless unless one of them is set: undefined without it, and then the others are a mistake that
 * is reported.
 */
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
