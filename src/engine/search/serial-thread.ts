import { Worker } from "node:worker_threads";

interface Asked<Reply> {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** What a thread is, and what it is for: an error names that when the thread ends. */
export interface ThreadModule {
  readonly module: URL;
  readonly workerData?: unknown;
  /** As in `the thread that verifies proofs`. */
  readonly name: string;
}

/**
 * A thread that replies to its calls in their order. It begins with the first one, or the next after it has ended, and holds
 * the process only while it is asked.
 */
export class SerialThread<Call, Reply> {
  #worker: Worker | undefined;
  readonly #asked: Asked<Reply>[] = [];

  constructor(private readonly thread: ThreadModule) {}

  /** Gives these buffers away. Rejects when the thread ends before it replies. */
  ask(call: Call, transferred: readonly ArrayBuffer[] = []): Promise<Reply> {
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      worker.ref();
      worker.postMessage(call, transferred);
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const { module, workerData, name } = this.thread;
    const worker = new Worker(module, { workerData });
    worker.on("message", (reply: Reply) => {
      this.#asked.shift()?.resolve(reply);
      // Not where it is made: to listen for messages holds the process again.
      if (this.#asked.length === 0) worker.unref();
    });
    const end = (error: Error): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      for (const { reject } of this.#asked.splice(0)) reject(error);
    };
    worker.on("error", end);
    worker.on("exit", () => {
      end(new Error(`${name} has ended`));
    });
    return worker;
  }
}
