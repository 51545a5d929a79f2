import { AuditError, withOutcome } from "../audit/errors.js";
import type {
  AuditService,
  BulkRequest,
  Download,
  DownloadRequest,
  Entry,
  EntryOutcome,
  LogRequest,
  PageRequest,
  PinnedResult,
  ProofRequest,
  Receipt,
  ResultOptions,
  ResultPage,
  Root,
  SearchRequest,
  TailRequest,
} from "../audit/service.js";
import type { Digest } from "../core/bytes.js";
import type { LogFormat } from "../core/format.js";
import type { ConsistencyProof, MembershipProof } from "../core/proof.js";
import type { Verdict } from "../core/verdict.js";

/** Runs a call unless the request was interrupted; rejects at once when it is. */
type Run = <T>(call: () => Promise<T>) => Promise<T>;

/**
 * The audit service for one request that may be interrupted, by its deadline or by its client's leaving: from then on
 * no call goes on to the service, and what waits for one is rejected with UNAVAILABLE. Searches and reads of entries are
 * stopped down to the engine. What an append has begun is not undone: an interrupted one says that nobody knows its outcome.
 */
export class InterruptibleService implements AuditService {
  readonly #interrupted: Promise<never>;
  #hasLogged = false;

  /** The signal aborts with an AuditError as its reason. */
  constructor(
    private readonly service: AuditService,
    private readonly signal: AbortSignal,
  ) {
    this.#interrupted = interruption(signal);
  }

  format(log: string): Promise<LogFormat> {
    return this.#run(() => this.service.format(log));
  }

  verifierKey(log: string): Promise<string> {
    return this.#run(() => this.service.verifierKey(log));
  }

  append(request: LogRequest): Promise<Receipt> {
    return this.#write(request, () => this.service.append(request));
  }

  appendLater(request: LogRequest): Promise<BulkRequest> {
    return this.#write(request, () => this.service.appendLater(request));
  }

  bulkRequest(...request: Parameters<AuditService["bulkRequest"]>): Promise<BulkRequest | undefined> {
    return this.#run(() => this.service.bulkRequest(...request));
  }

  async search(request: SearchRequest, page: PageRequest): Promise<ResultPage> {
    return this.#withResult(await this.#run(() => this.service.search(request, page, this.signal)));
  }

  async results(id: string, page: PageRequest, options?: ResultOptions): Promise<ResultPage> {
    const { signal } = this;
    return this.#withResult(await this.#run(() => this.service.results(id, page, { ...options, signal })));
  }

  /** Its reading has a signal of its own. */
  download(request: DownloadRequest): Promise<Download> {
    return this.#run(() => this.service.download(request));
  }

  /** Has a signal of its own. */
  tail(request: TailRequest, signal: AbortSignal): Promise<AsyncIterable<EntryOutcome>> {
    return this.service.tail(request, signal);
  }

  root(log: string, treeSize?: number): Promise<Root> {
    return this.#run(() => this.service.root(log, treeSize));
  }

  entries(log: string, leafIndexes: readonly number[]): Promise<readonly EntryOutcome[]> {
    return this.#run(() => this.service.entries(log, leafIndexes, this.signal));
  }

  entryByHash(log: string, hash: Digest): Promise<EntryOutcome> {
    return this.#run(() => this.service.entryByHash(log, hash));
  }

  membershipProofs(request: ProofRequest): Promise<readonly MembershipProof[]> {
    return this.#run(() => this.service.membershipProofs(request));
  }

  consistencyProof(log: string, fromSize: number, toSize: number): Promise<ConsistencyProof> {
    return this.#run(() => this.service.consistencyProof(log, fromSize, toSize));
  }

  consistency(log: string, treeSize: number): Promise<Verdict> {
    return this.#run(() => this.service.consistency(log, treeSize));
  }

  checkpointVerdict(root: Root): Promise<Verdict> {
    return this.#run(() => this.service.checkpointVerdict(root));
  }

  /** A view owns nothing: the service behind it stays open. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  async #write<T>(request: LogRequest, call: () => Promise<T>): Promise<T> {
    if (this.signal.aborted) throw withOutcome(interrupted(this.signal, "nothing was logged here"), "NONE");
    try {
      const answer = await Promise.race([call(), this.#interrupted]);
      this.#hasLogged = true;
      return answer;
    } catch (error) {
      throw error === this.signal.reason ? withOutcome(interrupted(this.signal, doubt(request)), "UNKNOWN") : error;
    }
  }

  readonly #run: Run = async (call) => {
    try {
      this.signal.throwIfAborted();
      return await Promise.race([call(), this.#interrupted]);
    } catch (error) {
      const isLate = error === this.signal.reason && this.#hasLogged;
      throw isLate ? interrupted(this.signal, "what this request logged before is logged") : error;
    }
  };

  #withResult(page: ResultPage): ResultPage {
    return { ...page, result: new InterruptibleResult(page.result, this.#run) };
  }
}

/** A pinned result counts only when it is asked to, so that may be interrupted as well. */
class InterruptibleResult implements PinnedResult {
  constructor(
    private readonly result: PinnedResult,
    private readonly run: Run,
  ) {}

  get id(): string {
    return this.result.id;
  }

  get log(): string {
    return this.result.log;
  }

  get treeSize(): number {
    return this.result.treeSize;
  }

  get expiresAt(): string {
    return this.result.expiresAt;
  }

  cursor(position: number): string {
    return this.result.cursor(position);
  }

  matches(entry: Entry): boolean {
    return this.result.matches(entry);
  }

  totalCount(): Promise<number> {
    return this.run(() => this.result.totalCount());
  }

  isTruncated(): Promise<boolean> {
    return this.run(() => this.result.isTruncated());
  }
}

/** Rejects when the signal aborts, whether or not anybody waits for it. */
function interruption(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    const stop = () => {
      reject(reasonOf(signal));
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  promise.catch(ignore);
  return promise;
}

function ignore(): void {
  // whoever waits for a call is told
}

function reasonOf({ reason }: AbortSignal): AuditError {
  return reason instanceof AuditError ? reason : new AuditError("UNAVAILABLE", "the request was stopped");
}

function interrupted(signal: AbortSignal, consequence: string): AuditError {
  const { message, retryAfterMs } = reasonOf(signal);
  return new AuditError("UNAVAILABLE", `${message}; ${consequence}`, { retryAfterMs });
}

function doubt({ events, idempotencyKey }: LogRequest): string {
  const what = events.length === 1 ? "whether the event was logged" : "whether the events were logged";
  const advice = idempotencyKey === undefined ? "search for it before you repeat it" : "repeat it with the same key";
  return `${what} is not known: ${advice}`;
}
