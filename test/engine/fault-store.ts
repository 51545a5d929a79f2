import { AuditError } from "../../src/audit/errors.js";
import type {
  AppendBatch,
  AppendOutcome,
  Confirmed,
  Durability,
  LogHead,
  LogReads,
  LogStore,
} from "../../src/audit/store.js";

/** What an append does instead of its duty. */
export type AppendFault =
  | { readonly kind: "is refused" }
  | { readonly kind: "fails before it is written" }
  | { readonly kind: "is written though it said no" }
  | { readonly kind: "never answers, and is not written" }
  | { readonly kind: "never answers, though it is written" }
  | { readonly kind: "is written after the wait"; readonly delayMs: number };

/** A store whose next appends and reads of the head go wrong as told. It checks that nobody writes two batches at once. */
export class FaultStore implements LogStore {
  readonly appends: AppendBatch[] = [];
  /** Taken by the appends to come, in order; an append without a fault is an honest one. */
  readonly faults: AppendFault[] = [];
  /** How many reads of the head fail from now on. */
  headFailures = 0;
  /** What the store says of what it shows; `away`: it cannot confirm anything. */
  durability: Durability | "away" = "durable";
  confirmations = 0;
  tileReads = 0;
  headReads = 0;
  /** Runs before each append: another gateway's chance. */
  beforeAppend: () => Promise<void> = () => Promise.resolve();
  /** Runs before each confirmation: a failover's chance. */
  beforeConfirm: () => Promise<void> = () => Promise.resolve();
  #inFlight = 0;

  /** As what `isStandby` answers. */
  isFollowing = false;

  /** `honest` may be changed, as a pooler or a failover changes the server behind an address. */
  constructor(public honest: LogStore) {}

  async append(batch: AppendBatch): Promise<AppendOutcome> {
    if (this.#inFlight > 0) throw new TypeError("a second batch while one is in flight");
    this.#inFlight += 1;
    try {
      this.appends.push(batch);
      await this.beforeAppend();
      return await this.#append(batch, this.faults.shift());
    } finally {
      this.#inFlight -= 1;
    }
  }

  snapshot<Result>(look: (reads: LogReads) => Promise<Result>): Promise<Result> {
    return look(this);
  }

  createLog(initial: LogHead): Promise<LogHead> {
    return this.honest.createLog(initial);
  }

  heads(): Promise<readonly LogHead[]> {
    return this.honest.heads();
  }

  headless(): Promise<readonly string[]> {
    return this.honest.headless();
  }

  async head(log: string): Promise<LogHead | undefined> {
    this.headReads += 1;
    if (this.headFailures > 0) {
      this.headFailures -= 1;
      throw new Error("connection refused");
    }
    return this.honest.head(log);
  }

  async confirm(log: string): Promise<Confirmed> {
    this.confirmations += 1;
    await this.beforeConfirm();
    if (this.durability !== "away") return { durability: this.durability, head: await this.honest.head(log) };
    return Promise.reject(new AuditError("UNAVAILABLE", "the standby is away", { retryAfterMs: 1_000 }));
  }

  entries(...asked: Parameters<LogStore["entries"]>): ReturnType<LogStore["entries"]> {
    return this.honest.entries(...asked);
  }

  canonicals(...asked: Parameters<LogStore["canonicals"]>): ReturnType<LogStore["canonicals"]> {
    return this.honest.canonicals(...asked);
  }

  receiptsBehind(...asked: Parameters<LogStore["receiptsBehind"]>): ReturnType<LogStore["receiptsBehind"]> {
    return this.honest.receiptsBehind(...asked);
  }

  keepReceipts(...asked: Parameters<LogStore["keepReceipts"]>): ReturnType<LogStore["keepReceipts"]> {
    return this.honest.keepReceipts(...asked);
  }

  receipts(...asked: Parameters<LogStore["receipts"]>): ReturnType<LogStore["receipts"]> {
    return this.honest.receipts(...asked);
  }

  leafHashes(...asked: Parameters<LogStore["leafHashes"]>): ReturnType<LogStore["leafHashes"]> {
    return this.honest.leafHashes(...asked);
  }

  tiles(...asked: Parameters<LogStore["tiles"]>): ReturnType<LogStore["tiles"]> {
    this.tileReads += 1;
    return this.honest.tiles(...asked);
  }

  firstAtOrAfter(...asked: Parameters<LogStore["firstAtOrAfter"]>): ReturnType<LogStore["firstAtOrAfter"]> {
    return this.honest.firstAtOrAfter(...asked);
  }

  isStandby(): Promise<boolean> {
    return Promise.resolve(this.isFollowing);
  }

  close(): Promise<void> {
    return this.honest.close();
  }

  async #append(batch: AppendBatch, fault: AppendFault | undefined): Promise<AppendOutcome> {
    switch (fault?.kind) {
      case undefined:
        return this.honest.append(batch);
      case "is refused":
        throw new AuditError("UNAVAILABLE", "the disk is full", { outcome: "NONE" });
      case "fails before it is written":
        throw new Error("connection lost");
      case "is written though it said no":
        await this.honest.append(batch);
        throw new AuditError("UNAVAILABLE", "connection lost at COMMIT"); // which does not say what became of it
      case "never answers, though it is written":
        await this.honest.append(batch);
        return this.#silence();
      case "never answers, and is not written":
        return this.#silence();
      case "is written after the wait":
        setTimeout(() => void this.honest.append(batch), fault.delayMs);
        return this.#silence();
    }
  }

  /** Stays silent for good; seen from outside the append is over when its caller gives up. */
  #silence(): Promise<never> {
    this.#inFlight -= 1;
    return new Promise<never>(() => undefined);
  }
}
