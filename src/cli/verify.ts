import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { EntryClaim, RootClaim, Unread } from "../core/claim.js";
import { isPlainObject } from "../core/json.js";
import type { Ed25519 } from "../core/signature.js";
import { invalid, type Verdict } from "../core/verdict.js";
import { verifyEntry, verifyRoot } from "../core/verify.js";
import { nodeEd25519 } from "../keys/node-crypto.js";
import type { FieldName } from "../core/event.js";
import { CompletenessCheck } from "./completeness-check.js";
import { customFieldsOf } from "./schema-file.js";
import { EvidenceError, readEvidence, type Piece } from "./evidence-reader.js";
import { explanation, type Output } from "./output.js";
import { checkFraud, isAccusation } from "./fraud-check.js";
import { printable } from "./printable.js";
import { Progress, withByteBar } from "./progress.js";
import { outcomeOf, reportOf, type Finding, type Outcome, type Report, type ReportFlags } from "./verify-report.js";
import { openLog, readTrustedKeys, type OpenedLog, type TrustedKeys, type TrustFlags } from "./trusted-keys.js";

/** How `auditql verify` ends. A file of which a part cannot be read is UNREADABLE, whatever its other parts are. */
export const HOLDS = 0;
export const DOES_NOT_HOLD = 1;
export const UNREADABLE = 2;
export const HOLDS_FOR_KEY_INSIDE = 3;

export interface VerifyFlags extends TrustFlags, ReportFlags {
  /** A file with the schema of the log, for what was searched. */
  readonly schema?: string;
}

export interface VerifyOptions extends VerifyFlags {
  readonly ed25519?: Ed25519;
}

const BLOCK_CHARACTERS = 2 ** 16;
const CHUNK_BYTES = 2 ** 18;
/** The most bytes of roots, and of entries that stand before the roots and the head that they need. */
const MAX_KEPT_BYTES = 16 * 2 ** 20;

/**
 * Checks every entry and root of evidence, and reports each check, in memory that does not grow with the file. Returns
 * the exit code. `-` reads standard input. Rejects never: what cannot be checked is UNREADABLE.
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
    const check = new EvidenceCheck(report, { keys, customFields, ed25519 });
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

const NO_BAR: Output["bar"] = { isTTY: false, write: () => true };

async function bytesOf(file: string, bar: Output["bar"]): Promise<AsyncIterable<Uint8Array>> {
  const progress = new Progress("verify: bytes", bar);
  if (file === "-") return withByteBar(process.stdin, { bar: progress, total: undefined });
  const { size } = await stat(file);
  // A pipe in place of a file has no size.
  const total = size === 0 ? undefined : size;
  return withByteBar(createReadStream(file, { highWaterMark: CHUNK_BYTES }), { bar: progress, total });
}

/** What need not be there: an event's signature, a proof from an older root, and what was searched. */
const OPTIONAL: readonly string[] = ["signature", "consistency", "question"];

type Item = Piece & { readonly kind: "item" };

/** What a verifier takes from elsewhere than the file. */
interface Trusted {
  readonly keys: TrustedKeys | undefined;
  /** Of the log's own schema, where it is given. */
  readonly customFields: readonly FieldName[] | undefined;
  readonly ed25519: Ed25519;
}

/** The checks of one file of evidence, as its pieces come. */
class EvidenceCheck {
  readonly #counts = { VALID: 0, UNKNOWN: 0, INVALID: 0 };
  #holds = true;
  readonly #head = new Map<string, unknown>();
  #opened: OpenedLog | undefined;
  readonly #roots: Unread<RootClaim>[] = [];
  /** The first checkpoint of each size: a proof leads to the root of a size. */
  readonly #checkpoints = new Map<unknown, unknown>();
  #hasRoots = false;
  /** Entries that stand before what they are checked with. */
  readonly #waiting: Unread<EntryClaim>[] = [];
  #keptBytes = 0;
  #entries = 0;
  readonly #completeness = new CompletenessCheck();
  readonly #proven: string[] = [];

  constructor(
    private readonly report: Report,
    private readonly trusted: Trusted,
  ) {}

  /** Throws EvidenceError where the head does not say which log this is. */
  get log(): OpenedLog {
    return (this.#opened ??= openLog(this.#head, this.trusted.keys, this.trusted.ed25519));
  }

  /** Returns the lines of what can be checked by now. Throws EvidenceError. */
  take(piece: Piece): string {
    if (piece.kind === "member") this.#head.set(piece.name, piece.value);
    else if (piece.kind === "end") this.#hasRoots ||= piece.list === "roots";
    else if (piece.list === "roots") this.#keepRoot(piece);
    else if (piece.list === "completeness") this.#completeness.keep(this.#kept(piece).value);
    else if (this.#isReady()) return this.#entry(piece.value);
    else this.#waiting.push(this.#kept(piece).value);
    return "";
  }

  /** Returns the lines of what waited for the end: entries that stood before the roots, and the roots. */
  end(): string {
    const { log } = this.log;
    const entries = this.#waiting.map((entry) => this.#entry(entry));
    const roots = this.#roots.map((root, i) => this.#lines(`roots[${i}]`, { ...verifyRoot(log, root) }));
    const fraud = this.#fraud();
    if (this.#entries + roots.length + fraud.length === 0)
      throw new EvidenceError("there are neither entries nor roots to check, nor a proof of fraud");
    return [...entries, ...roots, ...this.#proofs(), ...fraud].join("");
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
        return this.#lines(`completeness[${place}]`, verdicts);
      });
  }

  #fraud(): readonly string[] {
    if (!isAccusation(this.#head)) return [];
    const { verdicts, words } = checkFraud(this.log.log, this.#head);
    this.#proven.push(`proves: ${words ?? "nothing"}`);
    return [this.#lines("accusation", verdicts)];
  }

  #isReady(): boolean {
    if (this.#opened !== undefined) return true;
    const needed = ["format", "origin", ...(this.trusted.keys === undefined ? ["publicKey"] : [])];
    return this.#hasRoots && needed.every((name) => this.#head.has(name));
  }

  #keepRoot(piece: Item): void {
    const root: Unread<RootClaim> = this.#kept(piece).value;
    this.#roots.push(root);
    if (!this.#checkpoints.has(root.treeSize)) this.#checkpoints.set(root.treeSize, root.checkpoint);
  }

  #kept(piece: Item): Item {
    this.#keptBytes += piece.bytes;
    if (this.#keptBytes <= MAX_KEPT_BYTES) return piece;
    throw new EvidenceError(
      piece.list !== "entries"
        ? `expected at most ${MAX_KEPT_BYTES} bytes of roots and proofs of completeness`
        : `"format", "origin", "publicKey" and "roots" must stand before more than ${MAX_KEPT_BYTES} bytes of entries`,
    );
  }

  #entry(claim: Unread<EntryClaim>): string {
    this.#completeness.entry(claim);
    const { membershipProof: proof } = claim;
    const checkpoint = isPlainObject(proof) ? this.#checkpoints.get(proof["treeSize"]) : undefined;
    return this.#lines(`entries[${this.#entries++}]`, { ...verifyEntry(this.log.log, { ...claim, checkpoint }) });
  }

  #lines(subject: string, verdicts: Readonly<Record<string, Verdict>>): string {
    return Object.entries(verdicts)
      .map(([name, verdict]) => this.#line(subject, name, this.#trusted(name, verdict)))
      .join("");
  }

  /** A log of whose keys none is trusted has nothing to say, even if its operator signs with one key for many logs. */
  #trusted(name: string, verdict: Verdict): Verdict {
    const isSaid = (name === "checkpoint" || name === "indexCheckpoint") && verdict.kind !== "UNKNOWN";
    return isSaid && this.log.trust === "stranger" ? invalid("UNKNOWN_KEY") : verdict;
  }

  #line(of: string, check: string, verdict: Verdict): string {
    this.#counts[verdict.kind] += 1;
    this.#holds &&= verdict.kind === "VALID" || (verdict.kind === "UNKNOWN" && OPTIONAL.includes(check));
    return this.report.check({ of, check, verdict });
  }
}
