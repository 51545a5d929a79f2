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
  {
    file: "build/src/core/bytes.js",
    line: "for (let i = 0; i < a.length; i++)",
    mutant: "for (let i = 0; i <= a.length; i++)",
    why: "both have the same length, so the one place beyond it is undefined in both",
  },
  {
    file: "build/src/access/key-file.js",
    line: "await file.sync();",
    mutant: ";",
    why: "without fsync a key file is lost with the power alone, which no test takes away",
  },
];
