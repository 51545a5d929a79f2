import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { EntryClaim, RootClaim, Unread } from "../core/claim.js";
import { isPlainObject } from "../core/json.js";
import type { Ed25519 } from "../core/signature.js";
import { invalid, type Verdict } from "../core/verdict.js";
import { verifyEntry, verifyRoot } from "../core/verify.js";
import { nodeEd25519 } from "../keys/node-crypto.js";
import { CompletenessCheck } from "./completeness-check.js";
import { EvidenceError, readEvidence, type Piece } from "./evidence-reader.js";
import { explanation, type Output } from "./output.js";
import { checkFraud, isAccusation } from "./fraud-check.js";
import { printable } from "./printable.js";
import { Progress, withByteBar } from "./progress.js";
import { openLog, readTrustedKeys, type OpenedLog, type TrustedKeys, type TrustFlags } from "./trusted-keys.js";

/** How `auditql verify` ends. A file of which a part cannot be read is UNREADABLE, whatever its other parts are. */
export const HOLDS = 0;
export const DOES_NOT_HOLD = 1;
export const UNREADABLE = 2;
export const HOLDS_FOR_KEY_INSIDE = 3;

export interface VerifyOptions extends TrustFlags {
  readonly ed25519?: Ed25519;
}

const BLOCK_CHARACTERS = 2 ** 16;
const CHUNK_BYTES = 2 ** 18;
/** The most bytes of roots, and of entries that stand before the roots and the head that they need. */
const MAX_KEPT_BYTES = 16 * 2 ** 20;

/**
 * Checks every entry and root of evidence, one line for each check, in memory that does not grow with the file. Returns
 * the exit code. `-` reads standard input. Rejects never: what cannot be checked is UNREADABLE.
 */
export async function verifyFile(file: string, options: VerifyOptions, output: Output): Promise<number> {
  const { ed25519 = nodeEd25519() } = options;
  let lines = "";
  const flush = async (): Promise<void> => {
    const written = lines;
    lines = "";
    if (written !== "") await output.write(written);
  };
  try {
    const check = new EvidenceCheck(await readTrustedKeys(options, ed25519), ed25519);
    for await (const piece of readEvidence(await bytesOf(file, output))) {
      lines += check.take(piece);
      if (lines.length > BLOCK_CHARACTERS) await flush();
    }
    lines += check.end();
    await flush();
    return summary(check, output);
  } catch (error) {
    await flush().catch(() => undefined);
    output.note(`cannot verify ${file}: ${explanation(error)}`);
    return UNREADABLE;
  }
}

async function bytesOf(file: string, { bar }: Output): Promise<AsyncIterable<Uint8Array>> {
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

/** The checks of one file of evidence, as its pieces come. */
class EvidenceCheck {
  readonly counts = { VALID: 0, UNKNOWN: 0, INVALID: 0 };
  holds = true;
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
  /** What the proofs of completeness prove, in words. */
  readonly proven: string[] = [];

  constructor(
    private readonly keys: TrustedKeys | undefined,
    private readonly ed25519: Ed25519,
  ) {}

  /** Throws EvidenceError where the head does not say which log this is. */
  get log(): OpenedLog {
    return (this.#opened ??= openLog(this.#head, this.keys, this.ed25519));
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

  #proofs(): readonly string[] {
    return this.#completeness.end(this.log.log, this.#head.get("search")).map(({ verdicts, words }, place) => {
      this.proven.push(`completeness[${place}] proves: ${printable(words ?? "nothing that can be read")}`);
      return this.#lines(`completeness[${place}]`, verdicts);
    });
  }

  #fraud(): readonly string[] {
    if (!isAccusation(this.#head)) return [];
    const { verdicts, words } = checkFraud(this.log.log, this.#head);
    this.proven.push(`proves: ${words ?? "nothing"}`);
    return [this.#lines("accusation", verdicts)];
  }

  #isReady(): boolean {
    if (this.#opened !== undefined) return true;
    const needed = ["format", "origin", ...(this.keys === undefined ? ["publicKey"] : [])];
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
      .map(([name, verdict]) => this.#line(`${subject} ${name}`, name, this.#trusted(name, verdict)))
      .join("");
  }

  /** A log of whose keys none is trusted has nothing to say, even if its operator signs with one key for many logs. */
  #trusted(name: string, verdict: Verdict): Verdict {
    const isSaid = (name === "checkpoint" || name === "indexCheckpoint") && verdict.kind !== "UNKNOWN";
    return isSaid && this.log.trust === "stranger" ? invalid("UNKNOWN_KEY") : verdict;
  }

  #line(check: string, name: string, verdict: Verdict): string {
    this.counts[verdict.kind] += 1;
    this.holds &&= verdict.kind === "VALID" || (verdict.kind === "UNKNOWN" && OPTIONAL.includes(name));
    return `${check} ${verdict.kind === "VALID" ? verdict.kind : `${verdict.kind} ${verdict.reason}`}\n`;
  }
}

function summary({ counts, holds, proven, log: { keyText, trust } }: EvidenceCheck, { note }: Output): number {
  for (const sentence of proven) note(sentence);
  const counted = `${counts.VALID} valid, ${counts.UNKNOWN} unknown, ${counts.INVALID} invalid`;
  const outcome = holds ? "holds" : "DOES NOT HOLD";
  if (trust === "given") note(`${outcome} under the key ${keyText}: ${counted}`);
  else if (trust === "stranger") note(`${outcome}: this is of a log of which you gave no key: ${counted}`);
  else {
    note(`${outcome} for the key inside the file: ${counted}`);
    note(`The key inside the file is ${keyText}`);
    note("Whoever made the file can have made that key, too. Get the log's key another way, and give it: --key KEY");
  }
  if (!holds) return DOES_NOT_HOLD;
  return trust === "given" ? HOLDS : HOLDS_FOR_KEY_INSIDE;
}
