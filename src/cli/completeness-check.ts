import type { EntryClaim, Unread } from "../core/claim.js";
import type { FieldName } from "../core/event.js";
import { isPlainObject } from "../core/json.js";
import type { Question } from "../core/segment/answer.js";
import type { SegmentFilter } from "../core/segment/filter.js";
import { questionText } from "../core/segment/question.js";
import { invalid, unknown, VALID, type Verdict } from "../core/verdict.js";
import { verifyCompleteness, type CompletenessClaim, type CompletenessVerdicts } from "../core/verify-completeness.js";
import type { TrustedLog } from "../core/verify.js";
import { allOf, type Filter } from "../query/filter.js";
import { ambiguityOf, readQuery } from "../query/own-fields.js";
import { printFilter } from "../query/print.js";
import { EvidenceError } from "../core/evidence/reader.js";

/** Entries that proofs of completeness can be about: their places are kept until the end. */
const MAX_ENTRIES = 1_000_000;

/** What is found of one proof, of completeness or of fraud: its verdicts by name, and in words what it proves. */
export interface CheckedProof {
  readonly verdicts: Readonly<Record<string, Verdict>>;
  readonly words: string | undefined;
}

/** Entries that a proof is about. */
interface Shown {
  readonly leafIndexes: readonly number[];
  /** The sizes of the trees that they are proven in. */
  readonly treeSizes: readonly unknown[];
}

/** Checks that the entries of a file are all that its search found: each proof is about the entries behind those of the one before. */
export class CompletenessCheck {
  readonly #claims: Unread<CompletenessClaim>[] = [];
  readonly #leaves: number[] = [];
  readonly #treeSizes: unknown[] = [];
  #isNeeded = true;

  keep(claim: Unread<CompletenessClaim>): void {
    this.#claims.push(claim);
  }

  /** Without a claim, the places of the entries that follow are not kept. */
  noMoreClaims(): void {
    this.#isNeeded = this.#claims.length > 0;
  }

  /** Throws EvidenceError. */
  entry({ leafIndex, membershipProof }: Unread<EntryClaim>): void {
    if (!this.#isNeeded) return;
    if (this.#leaves.length === MAX_ENTRIES) {
      if (this.#claims.length > 0)
        throw new EvidenceError(`completeness can be checked of at most ${MAX_ENTRIES} entries`);
      return;
    }
    this.#leaves.push(typeof leafIndex === "number" ? leafIndex : -1);
    this.#treeSizes.push(isPlainObject(membershipProof) ? membershipProof["treeSize"] : undefined);
  }

  /**
   * `search`: what the file says was searched. `customFields`: those of the log's schema, where it is given. Throws EvidenceError
   * where what was asked cannot be told without it.
   */
  end(log: TrustedLog, search: unknown, customFields?: readonly FieldName[]): readonly CheckedProof[] {
    const asked = this.#claims.length === 0 ? undefined : filterOf(search, log, customFields);
    const checked: CheckedProof[] = [];
    let [from, before] = [0, undefined as Question | undefined];
    for (const [place, claim] of this.#claims.entries()) {
      const isLast = place === this.#claims.length - 1;
      const limit = limitOf(verifyCompleteness(log, { question: claim.question }, { leafIndexes: [] }));
      const end = isLast ? this.#leaves.length : Math.min(this.#leaves.length, from + limit);
      const shown = { leafIndexes: this.#leaves.slice(from, end), treeSizes: this.#treeSizes.slice(from, end) };
      const { question, treeSize, ...verdicts } = verifyCompleteness(log, claim, shown);
      const last = from === 0 ? undefined : this.#leaves[from - 1];
      checked.push({
        verdicts: {
          ...verdicts,
          entries: entriesVerdict(shown, treeSize),
          ...(before !== undefined && { continuation: continuationVerdict(question, before, last) }),
          question: questionVerdict(question, asked),
        },
        words: question && wordsOf(question, treeSize, shown.leafIndexes.length < limit),
      });
      [from, before] = [end, question];
    }
    return checked;
  }
}

function limitOf({ question }: CompletenessVerdicts): number {
  return question?.wanted.kind === "page" ? question.wanted.limit : 0;
}

/** That the entries are these leaves is proven by their membership in the tree that was searched, and in no other. */
function entriesVerdict({ treeSizes }: Shown, treeSize: number | undefined): Verdict {
  if (treeSize === undefined) return unknown("NO_PROOF");
  return treeSizes.every((size) => size === treeSize) ? VALID : invalid("ROOT_MISMATCH");
}

function continuationVerdict(question: Question | undefined, before: Question, last: number | undefined): Verdict {
  if (question === undefined) return unknown("NO_PROOF");
  const next = { ...before, after: last, wanted: question.wanted };
  return questionText(question) === questionText(next) ? VALID : invalid("QUESTION_MISMATCH");
}

function questionVerdict(question: Question | undefined, asked: Filter | "unreadable" | undefined): Verdict {
  if (question === undefined || asked === undefined) return unknown("NO_PROOF");
  if (asked === "unreadable") return invalid("QUESTION_MISMATCH");
  const wanted = { ...question, filter: asked, window: { from: undefined, until: undefined } };
  return questionText(question) === textIfAny(wanted) ? VALID : invalid("QUESTION_MISMATCH");
}

/** Undefined for a question that has no text: a query can name a time behind the year 9999, such as the end of that year. */
export function textIfAny(question: Question): string | undefined {
  try {
    return questionText(question);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Of `{"query": …}`; undefined where the file does not say what was searched. */
function filterOf(
  search: unknown,
  { format }: TrustedLog,
  customFields: readonly FieldName[] | undefined,
): Filter | "unreadable" | undefined {
  if (search === undefined) return undefined;
  const query = isPlainObject(search) ? search["query"] : undefined;
  const own = format.name === "pangea" ? customFields : [];
  const parsed = typeof query === "string" ? readQuery(query, own) : undefined;
  if (parsed?.kind === "ambiguous") throw new EvidenceError(`search.query: ${ambiguityOf(parsed.name)}`);
  return parsed === undefined || parsed.kind === "syntax-error" ? "unreadable" : allOf([parsed.filter]);
}

/** What was proven, for a person to compare with what they asked. */
export function wordsOf(question: Question, treeSize: number | undefined, isEnd: boolean): string {
  const { filter, window, after, descending, wanted } = question;
  const parts = [
    isQuery(filter) ? printFilter(filter) : questionText(question),
    ...(window.from === undefined ? [] : [`received from ${window.from}`]),
    ...(window.until === undefined ? [] : [`received before ${window.until}`]),
    descending ? "newest first" : "oldest first",
    ...(after === undefined ? [] : [`behind entry ${after}`]),
    wanted.kind === "page" ? (isEnd ? "all there are" : `the next ${wanted.limit}`) : "counted",
    ...(treeSize === undefined ? [] : [`of the first ${treeSize} of the log`]),
  ];
  return parts.join(", ");
}

/** Whether a query can say it. */
function isQuery(filter: SegmentFilter): filter is Filter {
  if (filter.kind === "leaf") return false;
  if (filter.kind === "and" || filter.kind === "or") return filter.filters.every(isQuery);
  return filter.kind !== "not" || isQuery(filter.filter);
}
