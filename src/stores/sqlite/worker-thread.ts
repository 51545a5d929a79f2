import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import type { AuditError } from "../../audit/errors.js";
import { loadSqliteDriver, type SqliteDriver } from "./driver.js";
import { isBeyondUse, storeFailure } from "./failure.js";
import {
  isRaised,
  type CallMessage,
  type Failure,
  type FromWorker,
  type Served,
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

export interface WorkerSpec<S extends Served<S>, Notice> {
  /** What the worker works on, as errors name it, such as `the log file`. */
  readonly subject: string;
  readonly open: (context: WorkerContext<Notice>) => S;
}

/** Runs in the worker: opens when told to, then serves one call after the other until told to close. */
export async function serveWorker<S extends Served<S>, Notice = never>(spec: WorkerSpec<S, Notice>): Promise<void> {
  if (parentPort === null) throw new Error("this module runs as a worker thread");
  const port = parentPort;
  const driver = loadSqliteDriver();
  // A failure to load the library is reported when the files are opened.
  await Promise.allSettled([driver]);
  const served = new ServedWorker(port, spec);
  port.on("message", (message: ToWorker) => {
    if (message.kind === "call") served.answer(message);
    else if (message.kind === "open") void served.open(driver);
    else served.close();
  });
}

class ServedWorker<S extends Served<S>, Notice> {
  #served: S | undefined;

  constructor(
    private readonly port: MessagePort,
    private readonly spec: WorkerSpec<S, Notice>,
  ) {}

  async open(driver: Promise<SqliteDriver>): Promise<void> {
    const notify = (notice: Notice): void => {
      this.#post({ kind: "notice", notice });
    };
    try {
      this.#served = this.spec.open({ driver: await driver, files: filesFrom(workerData), notify });
      this.#post({ kind: "ready" });
    } catch (error) {
      this.#post({ kind: "refused", failure: this.#failure(error) });
      this.port.close();
    }
  }

  answer({ id, name, asked, dropped }: CallMessage): void {
    if (this.#served === undefined || (dropped !== undefined && isRaised(dropped))) return;
    try {
      const reply = methodOf(this.#served, name)(...asked);
      this.port.postMessage({ kind: "answered", id, reply }, buffersIn(reply));
    } catch (error) {
      this.#post({ kind: "failed", id, failure: this.#failure(error) });
    }
  }

  close(): void {
    this.#served?.close();
    this.port.close();
  }

  #post(message: FromWorker<Notice>): void {
    this.port.postMessage(message);
  }

  #failure(error: unknown): Failure {
    return failureOf(storeFailure(error, this.spec.subject));
  }
}

function methodOf(served: object, name: PropertyKey): (...asked: readonly unknown[]) => unknown {
  const method: unknown = Reflect.get(served, name);
  if (typeof method === "function") return (...asked) => Reflect.apply(method, served, asked) as unknown;
  throw new TypeError(`the worker has no call ${String(name)}`);
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
