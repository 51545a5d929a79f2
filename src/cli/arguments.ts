import { InvalidArgumentError, Option } from "commander";

/** The option of every command that trusts a log's key. */
export const KEY = ["--key <key>", "the log's verifier key, as you got it over a way that you trust"] as const;

/** In its place, where a command takes several logs' keys. */
export function trustOption(): Option {
  return new Option("--trust <path>", "a file of verifier keys, one on a line, of several logs; # begins a comment") //
    .conflicts("key");
}

/** A count that a command takes. Throws InvalidArgumentError, which commander reports as misuse. */
export function positiveInteger(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`Expected a number from 1 to 999999999, got ${JSON.stringify(text)}.`);
}

/** The index of an entry. Throws like `positiveInteger`. */
export function leafIndex(text: string): number {
  if (/^(?:0|[1-9][0-9]{0,14})$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`Expected the index of an entry, from 0, got ${JSON.stringify(text)}.`);
}

/** The columns of a file by the fields that they hold: `field=column`, separated by commas. Throws like `positiveInteger`. */
export function columnsIn(text: string): ReadonlyMap<string, string> {
  const columns = text.split(",").map((pair): readonly [string, string] => {
    const [field = "", ...column] = pair.split("=");
    if (field.trim() === "" || column.length === 0)
      throw new InvalidArgumentError(
        `Expected field=column, with a comma between two of them, got ${JSON.stringify(pair)}.`,
      );
    return [field.trim(), column.join("=").trim()];
  });
  return new Map(columns);
}
