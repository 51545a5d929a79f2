import { base64 } from "../bytes.js";
import type { NoteVerifier } from "../checkpoint.js";
import type { EntryClaim, RootClaim, TreeClaim, Unread } from "../claim.js";
import { isPlainObject } from "../json.js";
import type { Verdict } from "../verdict.js";
import { verifyEntry, verifyRoot, type TrustedLog } from "../verify.js";
import { EvidenceError, type Piece } from "./reader.js";

/** One check of an entry or a root, such as `hash` of `entries[0]`. */
export interface Check {
  readonly of: string;
  readonly check: string;
  readonly verdict: Verdict;
  /** What is wrong and where, for people: of a download that is MALFORMED_EVIDENCE. */
  readonly explanation?: string;
}

export type Item = Piece & { readonly kind: "item" };

/** The most bytes of roots, and of entries that stand before the roots and the head that they need. */
const MAX_KEPT_BYTES = 16 * 2 ** 20;
/** What is checked has one root, or a few. */
const REMEMBERED_SIGNATURES = 1_000;

/** Checks entries as they come, each with the root that its proof leads to; memory does not grow with their number. */
export class EvidenceChecks {
  readonly #roots: Unread<RootClaim>[] = [];
  /** The first checkpoint of each size: a proof leads to the root of a size. */
  readonly #checkpoints = new Map<unknown, unknown>();
  /** Entries that stand before what they are checked with. */
  readonly #waiting: Unread<EntryClaim>[] = [];
  #keptBytes = 0;
  #entries = 0;

  /** With `known`, a tree that the caller verified before, the proof of each root must start there. */
  constructor(private readonly known?: TreeClaim) {}

  /** Throws EvidenceError where too much would be kept. */
  keepRoot(item: Item): void {
    const root: Unread<RootClaim> = this.kept(item).value;
    this.#roots.push(root);
    if (!this.#checkpoints.has(root.treeSize)) this.#checkpoints.set(root.treeSize, root.checkpoint);
  }

  /** For an entry before the roots. Throws EvidenceError where too much would be kept. */
  keepEntry(item: Item): void {
    this.#waiting.push(this.kept(item).value);
  }

  /** Throws EvidenceError where too much would be kept. */
  kept(item: Item): Item {
    this.#keptBytes += item.bytes;
    if (this.#keptBytes <= MAX_KEPT_BYTES) return item;
    throw new EvidenceError(
      item.list !== "entries"
        ? `expected at most ${MAX_KEPT_BYTES} bytes of roots and proofs of completeness`
        : `"format", "origin", "publicKey" and "roots" must stand before more than ${MAX_KEPT_BYTES} bytes of entries`,
    );
  }

  entry(log: TrustedLog, claim: Unread<EntryClaim>): readonly Check[] {
    const { membershipProof: proof } = claim;
    const checkpoint = isPlainObject(proof) ? this.#checkpoints.get(proof["treeSize"]) : undefined;
    return checksOf(`entries[${this.#entries++}]`, { ...verifyEntry(log, { ...claim, checkpoint }) });
  }

  /** Checks what waited for the end: the entries that were kept, and the roots. */
  end(log: TrustedLog): readonly Check[] {
    const entries = this.#waiting.flatMap((entry) => this.entry(log, entry));
    return [
      ...entries,
      ...this.#roots.flatMap((root, i) => checksOf(`roots[${i}]`, { ...verifyRoot(log, root, this.known) })),
    ];
  }
}

export function checksOf(of: string, verdicts: Readonly<Record<string, Verdict>>): readonly Check[] {
  return Object.entries(verdicts).map(([check, verdict]) => ({ of, check, verdict }));
}

/** Many proofs lead to one root, whose checkpoint would cost more to check than all else of an entry. */
export function remembering(log: TrustedLog): TrustedLog {
  const known = new Map<string, boolean>();
  const verify: NoteVerifier["verify"] = (signature, message) => {
    const name = `${base64(signature)} ${base64(message)}`;
    const holds = known.get(name) ?? log.key.verify(signature, message);
    if (known.size === REMEMBERED_SIGNATURES) known.clear();
    known.set(name, holds);
    return holds;
  };
  return { ...log, key: { ...log.key, verify } };
}
