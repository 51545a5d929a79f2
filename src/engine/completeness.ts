import { badInput } from "../audit/errors.js";
import type { IndexHead, ProofQuery, ProvenAnswer } from "../audit/search-index.js";
import type { CompletenessProof, IndexRoot, ProvablePage } from "../audit/proofs.js";
import { digestBytes, digestOf } from "../core/bytes.js";
import type { Question } from "../core/segment/answer.js";
import { questionText } from "../core/segment/question.js";
import { VALID } from "../core/verdict.js";
import type { OpenLog } from "./log/open-log.js";
import { leavesAsked } from "./search/page-question.js";
import type { PinnedQuestion } from "./search/pinned-searches.js";

/** The signed root of a log's index log. */
export function indexRootOf({ log, key }: Pick<OpenLog, "log" | "key">, { treeSize, rootHash }: IndexHead): IndexRoot {
  return { log, treeSize, hash: digestOf(rootHash), checkpoint: key.signIndex(treeSize, rootHash) };
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
