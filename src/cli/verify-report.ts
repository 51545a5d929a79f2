import { styleText } from "node:util";
import type { Check } from "../core/evidence/checks.js";
import type { Verdict } from "../core/verdict.js";
import { jsonLine } from "./printable.js";
import type { OpenedLog } from "./trusted-keys.js";

/** How `auditql verify` says what it found. */
export interface ReportFlags {
  readonly json?: boolean;
  /** Nothing but the exit code. */
  readonly quiet?: boolean;
  /** Whether verdicts are colored: for a terminal. */
  readonly isColored?: boolean;
}

/** What the checks of a whole file come to. */
export interface Finding extends Pick<OpenedLog, "keyText" | "trust"> {
  readonly holds: boolean;
  readonly counts: Readonly<Record<Verdict["kind"], number>>;
  /** What the proofs in it prove, in words. */
  readonly proven: readonly string[];
}

/** What is written for scripts, and what is said to people. */
export interface Said {
  readonly text: string;
  readonly notes: readonly string[];
}

/** A way to say it. */
export interface Report {
  readonly check: (check: Check) => string;
  readonly finding: (finding: Finding) => Said;
  readonly unreadable: (file: string, reason: string) => Said;
}

export function reportOf({ json, quiet, isColored }: ReportFlags): Report {
  if (quiet === true) return QUIET;
  if (json === true) return LINES_OF_JSON;
  return isColored === true ? COLORED_LINES : LINES;
}

const NOTHING: Said = { text: "", notes: [] };
const QUIET: Report = { check: () => "", finding: () => NOTHING, unreadable: () => NOTHING };

const LINES_OF_JSON: Report = {
  check: ({ of, check, verdict }) => jsonLine({ of, check, ...said(verdict) }),
  finding: ({ keyText: key, trust, counts, proven, ...finding }) => {
    const outcome = OUTCOMES[outcomeOf({ ...finding, trust })];
    return { text: jsonLine({ outcome, trust, key, counts, proven }), notes: [] };
  },
  unreadable: (file, reason) => ({ text: jsonLine({ outcome: "unreadable", file, reason }), notes: [] }),
};

const OUTCOMES = {
  holds: "holds",
  holdsForKeyInside: "holds-for-key-inside",
  doesNotHold: "does-not-hold",
} as const;

export type Outcome = keyof typeof OUTCOMES;

/** Without a key from the user, no more than that all fits together. */
export function outcomeOf({ holds, trust }: Pick<Finding, "holds" | "trust">): Outcome {
  if (!holds) return "doesNotHold";
  return trust === "given" ? "holds" : "holdsForKeyInside";
}

function said(verdict: Verdict) {
  return verdict.kind === "VALID" ? { verdict: verdict.kind } : { verdict: verdict.kind, reason: verdict.reason };
}

const LINES: Report = {
  check: ({ of, check, verdict }) => `${of} ${check} ${words(verdict)}\n`,
  finding: (finding) => ({ text: "", notes: [...finding.proven, ...sentences(finding)] }),
  unreadable: (file, reason) => ({ text: "", notes: [`cannot verify ${file}: ${reason}`] }),
};

const COLORS = { VALID: "green", INVALID: "red", UNKNOWN: "yellow" } as const;

const COLORED_LINES: Report = {
  ...LINES,
  check: ({ of, check, verdict }) => {
    // Whether this is a terminal that wants colors was found out before.
    const text = styleText(COLORS[verdict.kind], words(verdict), { validateStream: false });
    return `${of} ${check} ${text}\n`;
  },
};

function words(verdict: Verdict): string {
  return verdict.kind === "VALID" ? verdict.kind : `${verdict.kind} ${verdict.reason}`;
}

function sentences({ counts, holds, keyText, trust }: Finding): readonly string[] {
  const counted = `${counts.VALID} valid, ${counts.UNKNOWN} unknown, ${counts.INVALID} invalid`;
  const outcome = holds ? "holds" : "DOES NOT HOLD";
  if (trust === "given") return [`${outcome} under the key ${keyText}: ${counted}`];
  if (trust === "stranger") return [`${outcome}: this is of a log of which you gave no key: ${counted}`];
  return [
    `${outcome} for the key inside the file: ${counted}`,
    `The key inside the file is ${keyText}`,
    "The maker of the file can have made that key, too. Get the log's key another way, and give it: --key KEY",
  ];
}
