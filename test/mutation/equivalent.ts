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
    file: "build/src/access/key-file.js",
    line: "await file.sync();",
    mutant: ";",
    why: "without fsync a key file is lost with the power alone, which no test takes away",
  },
];
