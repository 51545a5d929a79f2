/** A mutant that no test can tell from the original, named by its file and the line it makes; and why it cannot. */
export interface Equivalent {
  readonly file: string;
  /** The line of the built file as the mutant has it, without its indentation. */
  readonly line: string;
  readonly why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [];
