import type { ProofQuery, ProvenAnswer } from "../../audit/search-index.js";
import type { FormatName } from "../../core/format.js";
import type { Question } from "../../core/segment/answer.js";
import type { Completeness, SignedRoot } from "../../core/segment/verify-answer.js";
import { SerialThread } from "./serial-thread.js";

/** A proof to be verified. */
export interface CheckCall extends ProvenAnswer {
  readonly formatName: FormatName;
  readonly log: SignedRoot;
  readonly question: Question;
}

export type CheckReply = Completeness;

/** Verifies proofs as a client does, before they are returned: in a thread, for a verifier runs a whole search in one go. */
export class ProofCheck {
  readonly #thread = new SerialThread<CheckCall, CheckReply>({
    module: new URL("./proof-check-worker.js", import.meta.url),
    name: "the thread that verifies proofs",
  });

  /** Rejects when a proof does not hold: that is a bug, or an index that was changed together with its digests. */
  async require({ log, treeSize, rootHash, format, question }: ProofQuery, proven: ProvenAnswer): Promise<void> {
    const call: CheckCall = { ...proven, formatName: format.name, log: { treeSize, rootHash }, question };
    const verdict = await this.#thread.ask(call);
    if (verdict.kind === "COMPLETE") return;
    throw new Error(`a proof of completeness of the log ${log} does not hold: ${verdict.reason}`);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
