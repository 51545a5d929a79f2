import type { Unread } from "../core/claim.js";
import type { FieldName } from "../core/event.js";
import { FORMAT_NAMES } from "../core/format.js";
import { isPlainObject } from "../core/json.js";
import type { Question } from "../core/segment/answer.js";
import type { Verdict } from "../core/verdict.js";
import { verifyCompleteness, type CompletenessClaim } from "../core/verify-completeness.js";
import { trustVerifierKey, verifyEntry, type TrustedLog } from "../core/verify.js";
import { allOf } from "../query/filter.js";
import { ambiguityOf, readQuery } from "../query/own-fields.js";
import { parseQuery } from "../query/parser.js";
import { resolveWindow } from "../query/time.js";
import type { Members } from "./api.js";
import { textIfAny, wordsOf } from "./completeness-check.js";
import { CommandError } from "./output.js";
import { givenKey } from "./signed-root.js";

/** What a page was asked for, and what it says of what follows. */
export interface AskedPage {
  readonly first: number;
  readonly hasNextPage: boolean;
}

/** What does not hold of what a gateway showed. */
export class NotProvenError extends CommandError {
  override readonly name = "NotProvenError";
}

interface Searched {
  readonly query: string;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly descending: boolean;
  /** Those of the log's own schema, where it is given. */
  readonly customFields?: readonly FieldName[] | undefined;
}

/**
 * Checks, page behind page, that a search shows what the log holds and leaves nothing out: each entry is in the signed tree,
 * and each page is all that the very question finds behind the page before it. Trusts the log's key alone.
 */
export class ProvenSearch {
  readonly #logs: readonly TrustedLog[];
  readonly #asked: Pick<Question, "filter" | "window" | "descending">;
  readonly #ambiguous: string | undefined;
  #after: number | undefined;
  #treeSize: number | undefined;
  #words = "";

  /** Throws CommandError on a key, a query or times that nothing can be proven of. */
  constructor(key: string, { query, since, until, descending, customFields }: Searched) {
    givenKey(key);
    // Which format the log has, the proofs show: nothing that is proven in one of them is in another.
    this.#logs = FORMAT_NAMES.map((format) => trustVerifierKey(key, format));
    const read = readQuery(query, customFields);
    this.#ambiguous = read.kind === "ambiguous" ? read.name : undefined;
    // A log of the other format has no schema, and reads it so.
    const parsed = read.kind === "ambiguous" ? parseQuery(query) : read;
    if (parsed.kind === "syntax-error") throw new CommandError(`the query at ${parsed.message}`);
    this.#asked = { filter: allOf([parsed.filter]), window: absolute(since, until), descending };
  }

  /** What was proven, in words. */
  get words(): string {
    return this.#words;
  }

  /** Throws NotProvenError unless the page is proven. */
  require(page: unknown, { first, hasNextPage }: AskedPage): void {
    const connection = membersOf(page);
    const edges = (Array.isArray(connection["edges"]) ? connection["edges"] : []).map(membersOf);
    const leafIndexes = edges.map(({ node }) => Number(membersOf(node)["leafIndex"]));
    const limit = hasNextPage ? edges.length : first;
    const wanted: Question = { ...this.#asked, after: this.#after, wanted: { kind: "page", limit } };
    const problems = this.#logs.map((log) => {
      if (log.format.name === "pangea" && this.#ambiguous !== undefined) return ambiguityOf(this.#ambiguous);
      const claim: Unread<CompletenessClaim> = membersOf(connection["completeness"]);
      const { question, treeSize, ...verdicts } = verifyCompleteness(log, claim, { leafIndexes });
      const isSameTree = treeSize !== undefined && (this.#treeSize ?? treeSize) === treeSize;
      if (question !== undefined && textIfAny(question) !== textIfAny(wanted))
        return `the proof is of another question: ${wordsOf(question, treeSize, edges.length < limit)}`;
      const { checkpoint } = membersOf(claim.root);
      const wrong =
        problemIn(Object.entries(verdicts)) ?? edges.map((edge) => entryProblem(log, edge, checkpoint)).find(isText);
      if (wrong !== undefined || !isSameTree) return wrong ?? "the pages are of different trees";
      this.#treeSize = treeSize;
      this.#words = wordsOf({ ...wanted, after: undefined }, treeSize, edges.length < limit);
      return undefined;
    });
    if (!problems.includes(undefined) && this.#ambiguous !== undefined)
      throw new CommandError(`cannot tell what was asked: ${ambiguityOf(this.#ambiguous)}; or ${problems[0] ?? ""}`);
    if (!problems.includes(undefined)) throw new NotProvenError(problems[0] ?? "nothing is proven");
    this.#after = leafIndexes.at(-1) ?? this.#after;
  }
}

/** Of what a gateway makes of `7d`, nothing can be proven. */
function absolute(start: string | undefined, end: string | undefined): Question["window"] {
  const written = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
  const [window, later] = [0, 1_000_000].map((nowMicros) => resolveWindow(written, nowMicros));
  if (window?.kind !== "resolved" || later?.kind !== "resolved") throw badTimes();
  const { start: from, end: until } = window.bounds;
  if (from !== later.bounds.start || until !== later.bounds.end) throw badTimes();
  return { from, until };
}

function badTimes(): CommandError {
  return new CommandError(
    "--prove: expected --since and --until as times, such as 2026-01-02T00:00:00Z, in their order",
  );
}

/** Whether the entry is what the log has there, in the tree of this checkpoint. */
function entryProblem(log: TrustedLog, edge: Members, checkpoint: unknown): string | undefined {
  const { membershipProof, node } = edge;
  const claim = membersOf(node);
  const { hash, membership, checkpoint: tree } = verifyEntry(log, { ...claim, membershipProof, checkpoint });
  const wrong = problemIn(Object.entries({ hash, membership, checkpoint: tree }));
  return wrong === undefined ? undefined : `entry ${String(claim["leafIndex"])}: ${wrong}`;
}

function problemIn(verdicts: readonly (readonly [string, Verdict])[]): string | undefined {
  const [name, verdict] = verdicts.find(([, { kind }]) => kind !== "VALID") ?? [];
  return verdict === undefined || verdict.kind === "VALID"
    ? undefined
    : `${name ?? ""} is ${verdict.kind} (${verdict.reason})`;
}

function isText(problem: string | undefined): problem is string {
  return problem !== undefined;
}

function membersOf(value: unknown): Members {
  return isPlainObject(value) ? value : {};
}
