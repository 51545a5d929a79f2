import { EQUIVALENT_IN_CORE } from "./equivalent-core.js";
import { EQUIVALENT_IN_ENGINE } from "./equivalent-engine.js";
import { EQUIVALENT_IN_RESULTS } from "./equivalent-results.js";
import { EQUIVALENT_IN_SEARCH } from "./equivalent-search.js";
import { EQUIVALENT_IN_SEGMENTS } from "./equivalent-segments.js";

/** A mutant that no test can tell from the original, named by its file and line; and why none can. */
export interface Equivalent {
  readonly file: string;
  /** The line of the built file, without its indentation. */
  readonly line: string;
  /** The same as the mutant has it. */
  readonly mutant: string;
  readonly why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [
  ...EQUIVALENT_IN_CORE,
  ...EQUIVALENT_IN_ENGINE,
  ...EQUIVALENT_IN_RESULTS,
  ...EQUIVALENT_IN_SEARCH,
  ...EQUIVALENT_IN_SEGMENTS,
  {
    file: "build/src/access/key-file.js",
    line: "await file.sync();",
    mutant: ";",
    why: "without fsync a key file is lost with the power alone, which no test takes away",
  },
  {
    file: "build/src/keys/seed-file.js",
    line: "await syncFolder(dirname(path));",
    mutant: ";",
    why: "without fsync a key file's name is lost with the power alone, which no test takes away",
  },
  {
    file: "build/src/query/excerpt.js",
    line: "const first = Array.from(text.slice(0, 2 * (MAX_CHARACTERS + 1)));",
    mutant: "const first = Array.from(text.slice(0, 2 * (MAX_CHARACTERS + (1 + 1))));",
    why: "two units more are read and cut again",
  },
  {
    file: "build/src/query/excerpt.js",
    line: "const first = Array.from(text.slice(0, 2 * (MAX_CHARACTERS + 1)));",
    mutant: "const first = Array.from(text.slice(0, (2 + 1) * (MAX_CHARACTERS + 1)));",
    why: "more units are read and cut again",
  },
  {
    file: "build/src/query/parser.js",
    line: "return Array.from(text.slice(0, 2 * count))",
    mutant: "return Array.from(text.slice(0, (2 + 1) * count))",
    why: "more units are read and cut again",
  },
  {
    file: "build/src/query/parser.js",
    line: "if (error instanceof SyntaxFault)",
    mutant: "if (true)",
    why: "a parser throws nothing else",
  },
  {
    file: "build/src/access/grant.js",
    line: 'if (typeof value !== "string" || value === "" || value.length > 2 * MAX_NAME_CHARACTERS)',
    mutant: 'if (typeof value !== "string" || value === "" || value.length > (2 + 1) * MAX_NAME_CHARACTERS)',
    why: "the characters of a text that is not far too long are counted next",
  },
  {
    file: "build/src/access/grant.js",
    line: 'if (parsed.kind === "invalid" || !isPlainObject(value))',
    mutant: 'if (parsed.kind === "invalid" && !isPlainObject(value))',
    why: "what is invalid has no restriction",
  },
  {
    file: "build/src/access/key-file.js",
    line: "await syncFolder(dirname(path));",
    mutant: ";",
    why: "without fsync a key file's name is lost with the power alone, which no test takes away",
  },
  {
    file: "build/src/keys/private-file.js",
    line: "await folder.sync();",
    mutant: ";",
    why: "without fsync a key file's name is lost with the power alone, which no test takes away",
  },
  {
    file: "build/src/keys/private-file.js",
    line: "if (!canOpenFolders)",
    mutant: "if (false)",
    why: "tests run on systems other than Windows",
  },
  {
    file: "build/src/audit/clock.js",
    line: "let millisecond = 0;",
    mutant: "let millisecond = (0 + 1);",
    why: "the clock is far later when it is first read",
  },
  {
    file: "build/src/audit/clock.js",
    line: "let seenAtMs = 0;",
    mutant: "let seenAtMs = (0 + 1);",
    why: "the clock is far later when it is first read",
  },
  {
    file: "build/src/access/jwt.js",
    line: "function expiryMs({ exp = 0 }) {",
    mutant: "function expiryMs({ exp = (0 + 1) }) {",
    why: "a token without the claim is refused before its expiry is asked for",
  },
  {
    file: "build/src/access/fetched-keys.js",
    line: "return (Math.max(0, MAX_AGE_AWAY_MS - this.#ageMs()) / 3_600_000).toFixed(1);",
    mutant: "return (Math.max((0 + 1), MAX_AGE_AWAY_MS - this.#ageMs()) / 3_600_000).toFixed(1);",
    why: "a millisecond is told as no hours too",
  },
];
