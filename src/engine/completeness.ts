import type { IndexHead, ProofQuery, ProvenAnswer } from "../audit/search-index.js";
import type { CompletenessProof, IndexRoot, ProvablePage } from "../audit/proofs.js";
import { digestBytes, digestOf } from "../core/bytes.js";
import { verifyAnswer } from "../core/segment/verify-answer.js";
import { nodeSha256 } from "../keys/node-crypto.js";
import type { OpenLog } from "./log/open-log.js";
import { leavesAsked } from "./search/page-question.js";
import type { PinnedQuestion } from "./search/pinned-searches.js";

/** The signed root of a log's index log. */
export function indexRootOf({ log, key }: Pick<OpenLog, "log" | "key">, { treeSize, rootHash }: IndexHead): IndexRoot {
  return { log, treeSize, hash: digestOf(rootHash), checkpoint: key.signIndex(treeSize, rootHash) };
}

/**
 * Proves an answer, and verifies it as a client does before it is returned: what does not hold is a bug, or an index that
 * was changed together with its digests. Rejects as `prove`.
 */
export async function provenComplete(
  log: OpenLog,
  { asked, page }: { readonly asked: PinnedQuestion; readonly page: ProvablePage | undefined },
  prove: (query: ProofQuery) => Promise<ProvenAnswer>,
): Promise<CompletenessProof> {
  const { question, treeSize } = asked;
  const { format } = log;
  const root = await log.root(treeSize);
  const siblings = (leaves: readonly number[]): Promise<readonly Uint8Array[]> => log.multiproof(treeSize, leaves);
  const { answer, proof, index } = await prove({ ...asked, format, siblings });
  const roots = { log: { treeSize, rootHash: digestBytes(root.hash) }, index, format, sha256: nodeSha256 };
  const verdict = verifyAnswer(roots, question, { answer: shownAnswer(answer, page), proof });
  if (verdict.kind === "COMPLETE")
    return { log: log.log, treeSize, question, answer, index: indexRootOf(log, index), proof };
  throw new Error(`a proof of completeness of the log ${log.log} does not hold: ${verdict.reason}`);
}

/** What is proven is what the page shows. */
function shownAnswer(answer: ProvenAnswer["answer"], page: ProvablePage | undefined): ProvenAnswer["answer"] {
  return page === undefined ? answer : { kind: "page", leaves: leavesAsked(page) };
}
