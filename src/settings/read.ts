import type { FieldProblem } from "../core/event.js";
import type { Given, Parsed, Readable, ReadSecret, Setting, SettingRow } from "./setting.js";
import { SETTINGS } from "./table.js";

type ValueOf<R> = R extends Readable<infer T> ? T : never;

export type Settings = ValueOf<typeof SETTINGS>;

/** Settings that cannot be used; the message names each with what was expected and what came. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";

  constructor(readonly problems: readonly FieldProblem[]) {
    super(
      problems.map(({ path, expected, got }) => `${path}: expected ${expected}, got ${JSON.stringify(got)}`).join("\n"),
    );
  }
}

/** By the flag's name in camel case, as commander has them. */
export type Flags = Readonly<Record<string, string | undefined>>;
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings of a start: a flag wins over the environment, both over the default; an empty variable is not set. `secretIn` reads the files of
 * secrets; by default none is. Throws one
 * SettingsError for all that is wrong.
 */
export function readSettings(flags: Flags, env: Environment, secretIn: ReadSecret = unread): Settings {
  const outcome = SETTINGS.read({ ...givenBy(flags, env), secretIn });
  if (outcome.kind === "problems") throw new SettingsError(outcome.problems);
  return outcome.value;
}

/** Reads one setting alone, for a command that has another flag for it. Throws a SettingsError. */
export function readSetting<T>(
  setting: Setting<T>,
  { flag, text }: { readonly flag: string; readonly text: string | undefined },
  env: Environment,
): T {
  const outcome = setting.read({
    text: ({ variable, default: otherwise }) => text ?? (env[variable] || otherwise),
    by: ({ variable }) => (text !== undefined ? "flag" : env[variable] ? "variable" : undefined),
    place: ({ variable }) => (text === undefined ? variable : flag),
    secretIn: unread,
  });
  if (outcome.kind === "problems") throw new SettingsError(outcome.problems);
  return outcome.value;
}

function unread(path: string): Parsed<string> {
  return { kind: "expected", expected: "no file: none is read here", got: path };
}

function givenBy(flags: Flags, env: Environment): Omit<Given, "secretIn"> {
  const ofFlag = ({ flag }: SettingRow): string | undefined =>
    flag === undefined ? undefined : flags[flag.replace(/-(.)/g, (_, first: string) => first.toUpperCase())];
  return {
    text: (row) => ofFlag(row) ?? (env[row.variable] || row.default),
    by: (row) => (ofFlag(row) !== undefined ? "flag" : env[row.variable] ? "variable" : undefined),
    place: (row) => (ofFlag(row) === undefined ? row.variable : `--${row.flag}`),
  };
}
