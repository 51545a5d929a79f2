import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import type { AuditError } from "../../audit/errors.js";
import { loadSqliteDriver, type SqliteDriver } from "./driver.js";
import { isBeyondUse, storeFailure } from "./failure.js";
import { isRaised, type CallsOf, type Failure, type FromWorker, type Protocol, type ToWorker } from "./worker-calls.js";

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
  /** Names in errors what the worker works on, such as `the log file`. */
  readonly subject: string;
  readonly open: (context: WorkerContext<Notice>) => CallsOf<P> & { close(): void };
}

/** Runs in the worker: opens, then answers one call after the other until told to close. */
export async function serveWorker<P extends Protocol<P>, Notice = never>(spec: WorkerSpec<P, Notice>): Promise<void> {
  if (parentPort === null) throw new Error("this module runs as a worker thread");
  const port = parentPort;
  const post = (message: FromWorker<Notice>): void => {
    port.postMessage(message);
  };
  try {
    const driver = await loadSqliteDriver();
    const notify = (notice: Notice): void => {
      post({ kind: "notice", notice });
    };
    const calls = spec.open({ driver, files: filesFrom(workerData), notify });
    listen(port, post, { ...spec, calls });
    post({ kind: "ready" });
  } catch (error) {
    post({ kind: "refused", failure: failureOf(storeFailure(error, spec.subject)) });
    port.close();
  }
}

interface Serving<P extends Protocol<P>> {
  readonly subject: string;
  readonly calls: CallsOf<P> & { close(): void };
}

function listen<P extends Protocol<P>>(
  port: MessagePort,
  post: (message: FromWorker<never>) => void,
  { calls, subject }: Serving<P>,
): void {
  port.on("message", (message: ToWorker<P>) => {
    if (message.kind === "close") {
      calls.close();
      port.close();
      return;
    }
    if (message.dropped !== undefined && isRaised(message.dropped)) return;
    try {
      post({ kind: "answered", id: message.id, reply: calls[message.name](message.request) });
    } catch (error) {
      post({ kind: "failed", id: message.id, failure: failureOf(storeFailure(error, subject)) });
    }
  });
}

function failureOf({ code, message, retryAfterMs, cause }: AuditError): Failure {
  const detail = cause instanceof Error ? (cause.stack ?? cause.message) : "";
  return { code, message, retryAfterMs, detail, beyondUse: isBeyondUse(cause) };
}

/** Only WorkerChannel starts these modules, and it passes WorkerFiles. */
function filesFrom(data: unknown): WorkerFiles {
  if (isWorkerFiles(data)) return data;
  throw new TypeError("a store's worker was started without its file paths");
}

function isWorkerFiles(data: unknown): data is WorkerFiles {
  return typeof data === "object" && data !== null && "logPath" in data && "indexPath" in data;
}
