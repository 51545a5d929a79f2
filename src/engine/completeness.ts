import { AuditError, badInput } from "../audit/errors.js";
import type { IndexHead, ProofQuery, ProvenAnswer } from "../audit/search-index.js";
import type { CompletenessProof, IndexRecords, IndexRecordsRequest, IndexRoot, ProvablePage } from "../audit/proofs.js";
import { MAX_PAGE_SIZE } from "../audit/service.js";
import { digestBytes, digestOf, utf8Text } from "../core/bytes.js";
import { logFormat } from "../core/format.js";
import type { FieldProblem } from "../core/event.js";
import type { Question } from "../core/segment/answer.js";
import type { ProvenLeaves } from "../core/segment/proof-document.js";
import { questionText } from "../core/segment/question.js";
import { isInTree } from "../core/segment/verify-answer.js";
import type { LeafRange } from "../core/tree.js";
import { VALID } from "../core/verdict.js";
import { nodeSha256 } from "../keys/node-crypto.js";
import type { OpenLog } from "./log/open-log.js";
import { leavesAsked } from "./search/page-question.js";
import type { PinnedQuestion } from "./search/pinned-searches.js";

/** The signed root of a log's index log. */
export function indexRootOf({ log, key }: Pick<OpenLog, "log" | "key">, { treeSize, rootHash }: IndexHead): IndexRoot {
  return { log, treeSize, hash: digestOf(rootHash), checkpoint: key.signIndex(treeSize, rootHash) };
}

const HASHING = logFormat("rfc6962", nodeSha256);

/** Records of an index log, proven under its root. Rejects as `CompletenessService.indexRecords`. */
export async function provenRecords(
  { root, from, count }: IndexRecordsRequest,
  read: (size: number, range: LeafRange) => Promise<ProvenLeaves>,
): Promise<IndexRecords> {
  requirePage(root, from, count);
  const range = { start: from, end: Math.min(root.treeSize, from + count) };
  const proven = await read(root.treeSize, range);
  if (!isInTree(proven, { treeSize: root.treeSize, rootHash: digestBytes(root.hash) }, HASHING)) throw isAnother(root);
  const { leaves, hashes: path } = proven;
  return { from, texts: leaves.map(({ bytes }) => utf8Text(bytes) ?? ""), path };
}

function requirePage({ treeSize }: IndexRoot, from: number, count: number): void {
  const problems: readonly FieldProblem[] = [
    ...(from <= treeSize
      ? []
      : [{ path: "from", expected: `0 to ${treeSize}, the root's treeSize`, got: String(from) }]),
    ...(count >= 1 && count <= MAX_PAGE_SIZE
      ? []
      : [{ path: "first", expected: `1 to ${MAX_PAGE_SIZE}`, got: String(count) }]),
  ];
  if (problems.length > 0) throw badInput(problems);
}

/** After a failover, or where a segment that was damaged has been built again. */
function isAnother({ log }: IndexRoot): AuditError {
  const message = `The index of the log ${log} is another than that root is of: ask for the root again.`;
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: 1_000 });
}

/** What is needed of a log to prove an answer. */
type ProvenLog = Pick<OpenLog, "log" | "key" | "format" | "root" | "multiproof">;

/** Proves an answer; that of a page is what the page shows. Rejects as `prove`. */
export async function provenComplete(
  log: ProvenLog,
  { asked, page }: { readonly asked: PinnedQuestion; readonly page: ProvablePage | undefined },
  prove: (query: ProofQuery) => Promise<ProvenAnswer>,
): Promise<CompletenessProof> {
  const { question, treeSize } = asked;
  requireText(question);
  const { format } = log;
  const rootHash = digestBytes((await log.root(treeSize)).hash);
  const siblings = (leaves: readonly number[]): Promise<readonly Uint8Array[]> => log.multiproof(treeSize, leaves);
  // The prover verifies it: see SearchIndex.prove.
  const { answer, proof, index } = await prove({ ...asked, rootHash, format, siblings });
  const isShown = page === undefined || (answer.kind === "page" && answer.leaves.join() === leavesAsked(page).join());
  if (!isShown) throw new Error(`a page of the log ${log.log} is not what its proof of completeness shows`);
  return { log: log.log, treeSize, question, answer, index: indexRootOf(log, index), proof, verdict: VALID };
}

/** A query can name the end of the year 9999, which a question cannot. */
function requireText(question: Question): void {
  try {
    questionText(question);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badInput([
      { path: "query", expected: "times in the years 0000 to 9999, to be proven", got: "one outside them" },
    ]);
  }
}
