import type { TreeClaim } from "../core/claim.js";
import { checksOf, EvidenceChecks, type Check } from "../core/evidence/checks.js";
import { EvidenceError, readEvidence, type Piece } from "../core/evidence/reader.js";
import type { Ed25519 } from "../core/signature.js";
import { invalid } from "../core/verdict.js";
import { nodeEd25519 } from "../keys/node-crypto.js";
import type { FieldName } from "../core/event.js";
import { CompletenessCheck } from "./completeness-check.js";
import { customFieldsOf } from "./schema-file.js";
import { explanation, type Output } from "./output.js";
import { checkFraud, isAccusation } from "./fraud-check.js";
import { printable } from "./printable.js";
import { outcomeOf, reportOf, type Finding, type Outcome, type Report, type ReportFlags } from "./verify-report.js";
import { bytesOf } from "./verify-source.js";
import { openLog, readTrustedKeys, type OpenedLog, type TrustedKeys, type TrustFlags } from "./trusted-keys.js";

/** How `auditql verify` ends. A file of which a part cannot be read is UNREADABLE, whatever its other parts are. */
export const HOLDS = 0;
export const DOES_NOT_HOLD = 1;
export const UNREADABLE = 2;
export const HOLDS_FOR_KEY_INSIDE = 3;

export interface VerifyFlags extends TrustFlags, ReportFlags {
  /** A file with the schema of the log, for what was searched. */
  readonly schema?: string;
  /** The size and hash of a root that the caller verified before, as `auditql save` names it at its end. */
  readonly knownRoot?: string;
}

export interface VerifyOptions extends VerifyFlags {
  readonly ed25519?: Ed25519;
}

const BLOCK_CHARACTERS = 2 ** 16;

/**
 * Checks every entry and root of evidence, and reports each check, in memory that does not grow with the file. Returns
 * the exit code. `-` reads standard input, an address what it answers. Rejects never: what cannot be checked is UNREADABLE.
 */
export async function verifyFile(file: string, options: VerifyOptions, output: Output): Promise<number> {
  const { ed25519 = nodeEd25519() } = options;
  const report = reportOf(options);
  let lines = "";
  const flush = async (): Promise<void> => {
    const written = lines;
    lines = "";
    if (written !== "") await output.write(written);
  };
  try {
    const keys = await readTrustedKeys(options, ed25519);
    const customFields = await customFieldsOf(options.schema);
    const check = new EvidenceCheck(report, { keys, customFields, known: knownRoot(options.knownRoot), ed25519 });
    for await (const piece of readEvidence(await bytesOf(file, options.quiet === true ? NO_BAR : output.bar))) {
      lines += check.take(piece);
      if (lines.length > BLOCK_CHARACTERS) await flush();
    }
    lines += check.end();
    const finding = check.finding();
    const { text, notes } = report.finding(finding);
    lines += text;
    await flush();
    notes.forEach(output.note);
    return EXIT_CODES[outcomeOf(finding)];
  } catch (error) {
    const { text, notes } = report.unreadable(file, explanation(error));
    lines += text;
    await flush().catch(() => undefined);
    notes.forEach(output.note);
    return UNREADABLE;
  }
}

const EXIT_CODES: Readonly<Record<Outcome, number>> = {
  holds: HOLDS,
  holdsForKeyInside: HOLDS_FOR_KEY_INSIDE,
  doesNotHold: DOES_NOT_HOLD,
};

/** Throws EvidenceError on what is no root. */
function knownRoot(text: string | undefined): TreeClaim | undefined {
  if (text === undefined) return undefined;
  const [, size = "", hash = ""] = /^([1-9][0-9]{0,15}) ([0-9a-f]{64})$/.exec(text) ?? [];
  if (hash !== "" && Number.isSafeInteger(Number(size))) return { treeSize: Number(size), hash };
  throw new EvidenceError("--known-root: expected the size and hash of a root, as `auditql save` names it at its end");
}

const NO_BAR: Output["bar"] = { isTTY: false, write: () => true };

/** What need not be there: an event's signature, a proof from an older root unless one is known, and what was searched. */
const OPTIONAL: readonly string[] = ["signature", "consistency", "question"];
const SAID_BY_LOG: readonly string[] = ["checkpoint", "indexCheckpoint"];

type Item = Piece & { readonly kind: "item" };

/** What a verifier takes from elsewhere than the file. */
interface Trusted {
  readonly keys: TrustedKeys | undefined;
  /** Of the log's own schema, where it is given. */
  readonly customFields: readonly FieldName[] | undefined;
  /** The tree that each root must extend. */
  readonly known: TreeClaim | undefined;
  readonly ed25519: Ed25519;
}

/** The checks of one file of evidence, as its pieces come. */
class EvidenceCheck {
  readonly #counts = { VALID: 0, UNKNOWN: 0, INVALID: 0 };
  #holds = true;
  readonly #head = new Map<string, unknown>();
  #opened: OpenedLog | undefined;
  readonly #checks: EvidenceChecks;
  #hasRoots = false;
  #hasClaims = false;
  readonly #completeness = new CompletenessCheck();
  readonly #proven: string[] = [];

  constructor(
    private readonly report: Report,
    private readonly trusted: Trusted,
  ) {
    this.#checks = new EvidenceChecks(trusted.known);
  }

  /** Throws EvidenceError where the head does not say which log this is. */
  get log(): OpenedLog {
    return (this.#opened ??= openLog(this.#head, this.trusted.keys, this.trusted.ed25519));
  }

  /** Returns the lines of what can be checked by now. Throws EvidenceError. */
  take(piece: Piece): string {
    if (piece.kind === "member") this.#head.set(piece.name, piece.value);
    else if (piece.kind === "end") this.#hasRoots ||= piece.list === "roots";
    else if (piece.kind === "lines") this.#completeness.noMoreClaims();
    else if (piece.list === "completeness") this.#completeness.keep(this.#checks.kept(piece).value);
    else return this.#claim(piece);
    return "";
  }

  #claim(item: Item): string {
    this.#hasClaims = true;
    if (item.list === "roots") {
      this.#checks.keepRoot(item);
      return "";
    }
    this.#completeness.entry(item.value);
    if (this.#isReady()) return this.#lines(this.#checks.entry(this.log.log, item.value));
    this.#checks.keepEntry(item);
    return "";
  }

  /** Returns the lines of what waited for the end: entries that stood before the roots, and the roots. */
  end(): string {
    const claims = this.#lines(this.#checks.end(this.log.log));
    const fraud = this.#fraud();
    if (!this.#hasClaims && fraud.length === 0)
      throw new EvidenceError("there are neither entries nor roots to check, nor a proof of fraud");
    return [claims, ...this.#proofs(), ...fraud].join("");
  }

  /** What all of it comes to, at the end. */
  finding(): Finding {
    const { keyText, trust } = this.log;
    return { holds: this.#holds, counts: this.#counts, proven: this.#proven, keyText, trust };
  }

  #proofs(): readonly string[] {
    const { customFields } = this.trusted;
    return this.#completeness
      .end(this.log.log, this.#head.get("search"), customFields)
      .map(({ verdicts, words }, place) => {
        this.#proven.push(`completeness[${place}] proves: ${printable(words ?? "nothing that can be read")}`);
        return this.#lines(checksOf(`completeness[${place}]`, verdicts));
      });
  }

  #fraud(): readonly string[] {
    if (!isAccusation(this.#head)) return [];
    const { verdicts, words } = checkFraud(this.log.log, this.#head);
    this.#proven.push(`proves: ${words ?? "nothing"}`);
    return [this.#lines(checksOf("accusation", verdicts))];
  }

  #isReady(): boolean {
    if (this.#opened !== undefined) return true;
    const needed = ["format", "origin", ...(this.trusted.keys === undefined ? ["publicKey"] : [])];
    return this.#hasRoots && needed.every((name) => this.#head.has(name));
  }

  #lines(checks: readonly Check[]): string {
    return checks.map((check) => this.#line(this.#trusted(check))).join("");
  }

  /** A log of whose keys none is trusted has nothing to say, even if its operator signs with one key for many logs. */
  #trusted(check: Check): Check {
    const isSaid = SAID_BY_LOG.includes(check.check) && check.verdict.kind !== "UNKNOWN";
    return isSaid && this.log.trust === "stranger" ? { ...check, verdict: invalid("UNKNOWN_KEY") } : check;
  }

  #line(line: Check): string {
    const { check, verdict } = line;
    this.#counts[verdict.kind] += 1;
    this.#holds &&= verdict.kind === "VALID" || (verdict.kind === "UNKNOWN" && this.#mayBeAbsent(check));
    return this.report.check(line);
  }

  #mayBeAbsent(check: string): boolean {
    return OPTIONAL.includes(check) && (check !== "consistency" || this.trusted.known === undefined);
  }
}
