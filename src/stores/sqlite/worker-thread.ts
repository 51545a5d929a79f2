import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import type { AuditError } from "../../audit/errors.js";
import { loadSqliteDriver, type SqliteDriver } from "./driver.js";
import { isBeyondUse, storeFailure } from "./failure.js";
import {
  isRaised,
  type CallMessage,
  type CallsOf,
  type Failure,
  type FromWorker,
  type Protocol,
  type ToWorker,
} from "./worker-calls.js";

/** What a worker needs to open its files. */
export interface WorkerFiles {
  readonly logPath: string;
  readonly indexPath: string;
}

export interface WorkerContext<Notice> {
  readonly driver: SqliteDriver;
  readonly files: WorkerFiles;
  readonly notify: (notice: Notice) => void;
}

export interface WorkerSpec<P extends Protocol<P>, Notice> {
  /** What the worker works on, as errors name it, such as `the log file`. */
  readonly subject: string;
  readonly open: (context: WorkerContext<Notice>) => CallsOf<P> & { close(): void };
}

/** Runs in the worker: opens when told to, then serves one call after the other until told to close. */
export async function serveWorker<P extends Protocol<P>, Notice = never>(spec: WorkerSpec<P, Notice>): Promise<void> {
  if (parentPort === null) throw new Error("this module runs as a worker thread");
  const port = parentPort;
  const driver = loadSqliteDriver();
  // A failure to load the library is reported when the files are opened.
  await Promise.allSettled([driver]);
  const served = new ServedWorker(port, spec);
  port.on("message", (message: ToWorker<P>) => {
    if (message.kind === "call") served.answer(message);
    else if (message.kind === "open") void served.open(driver);
    else served.close();
  });
}

class ServedWorker<P extends Protocol<P>, Notice> {
  #calls: (CallsOf<P> & { close(): void }) | undefined;

  constructor(
    private readonly port: MessagePort,
    private readonly spec: WorkerSpec<P, Notice>,
  ) {}

  async open(driver: Promise<SqliteDriver>): Promise<void> {
    const notify = (notice: Notice): void => {
      this.#post({ kind: "notice", notice });
    };
    try {
      this.#calls = this.spec.open({ driver: await driver, files: filesFrom(workerData), notify });
      this.#post({ kind: "ready" });
    } catch (error) {
      this.#post({ kind: "refused", failure: this.#failure(error) });
      this.port.close();
    }
  }

  answer({ id, name, request, dropped }: CallMessage<P>): void {
    if (this.#calls === undefined || (dropped !== undefined && isRaised(dropped))) return;
    try {
      const reply = this.#calls[name](request);
      this.port.postMessage({ kind: "answered", id, reply }, buffersIn(reply));
    } catch (error) {
      this.#post({ kind: "failed", id, failure: this.#failure(error) });
    }
  }

  close(): void {
    this.#calls?.close();
    this.port.close();
  }

  #post(message: FromWorker<Notice>): void {
    this.port.postMessage(message);
  }

  #failure(error: unknown): Failure {
    return failureOf(storeFailure(error, this.spec.subject));
  }
}

/** Buffers to transfer instead of copying: the bytes of a reply that is a list of them. No one here keeps a reply. */
function buffersIn(reply: unknown): readonly ArrayBuffer[] {
  if (!Array.isArray(reply)) return [];
  const buffers = reply.flatMap((item: unknown) =>
    item instanceof Uint8Array && item.buffer instanceof ArrayBuffer && item.byteLength === item.buffer.byteLength
      ? [item.buffer]
      : [],
  );
  return [...new Set(buffers)];
}

function failureOf({ code, message, retryAfterMs, outcome, cause }: AuditError): Failure {
  const detail = cause instanceof Error ? (cause.stack ?? cause.message) : "";
  return { code, message, retryAfterMs, outcome, detail, beyondUse: isBeyondUse(cause) };
}

/** Only WorkerChannel starts these modules, and it passes WorkerFiles. */
function filesFrom(data: unknown): WorkerFiles {
  if (isWorkerFiles(data)) return data;
  throw new TypeError("a store's worker was started without its file paths");
}

function isWorkerFiles(data: unknown): data is WorkerFiles {
  return typeof data === "object" && data !== null && "logPath" in data && "indexPath" in data;
}
