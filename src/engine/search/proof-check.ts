import { Worker } from "node:worker_threads";
import type { ProofQuery, ProvenAnswer } from "../../audit/search-index.js";
import type { FormatName } from "../../core/format.js";
import type { Question } from "../../core/segment/answer.js";
import type { Completeness, SignedRoot } from "../../core/segment/verify-answer.js";

/** A proof to be verified. */
export interface CheckCall extends ProvenAnswer {
  readonly formatName: FormatName;
  readonly log: SignedRoot;
  readonly question: Question;
}

export type CheckReply = Completeness;

interface Asked {
  readonly resolve: (reply: CheckReply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Verifies proofs as a client does, before they are returned: in a thread of its own, for a verifier runs a whole search in one
 * go. The thread begins with the first proof and holds no process.
 */
export class ProofCheck {
  #worker: Worker | undefined;
  readonly #asked: Asked[] = [];

  /** Rejects when a proof does not hold: that is a bug, or an index that was changed together with its digests. */
  async require({ log, treeSize, rootHash, format, question }: ProofQuery, proven: ProvenAnswer): Promise<void> {
    const call: CheckCall = { ...proven, formatName: format.name, log: { treeSize, rootHash }, question };
    const verdict = await new Promise<CheckReply>((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      (this.#worker ??= this.#start()).postMessage(call);
    });
    if (verdict.kind === "COMPLETE") return;
    throw new Error(`a proof of completeness of the log ${log} does not hold: ${verdict.reason}`);
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL("./proof-check-worker.js", import.meta.url));
    worker.unref();
    worker.on("message", (reply: CheckReply) => this.#asked.shift()?.resolve(reply));
    const end = (error: Error): void => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#asked.splice(0)) reject(error);
    };
    worker.on("error", end);
    worker.on("exit", () => {
      end(new Error("the thread that verifies proofs has ended"));
    });
    return worker;
  }
}
