import { setTimeout as sleep } from "node:timers/promises";
import type { StoreConnections } from "../../audit/search-index.js";
import { queryUnlessAborted } from "./abandoned-query.js";
import { writeAlone } from "./commit.js";
import { committing } from "./committing.js";
import { Connections, type ConnectionSettings } from "./connections.js";
import { portFailure, wasRolledBack } from "./failures.js";
import { Transaction, type Session, type Statement } from "./transaction.js";

/**
 * The server stops a statement after `statementTimeoutMs`; the client gives up on a silent server a second later.
 * `idleInTransactionMs` limits how long a gateway that stalls in a transaction keeps the head's row locked for all
 * others.
 */
export type DatabaseSettings = ConnectionSettings;

export const DATABASE_DEFAULTS = {
  maxConnections: 10,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 15_000,
  idleInTransactionMs: 5_000,
} as const;

const MAX_ATTEMPTS = 8;
const FIRST_PAUSE_MS = 4;

/**
 * A bounded pool of connections. Every method rejects with AuditError UNAVAILABLE when the server cannot be reached in
 * time.
 */
export class Database {
  readonly #connections: Connections;

  /** Throws BAD_USER_INPUT when the URL cannot be used. */
  constructor(settings: DatabaseSettings) {
    this.#connections = new Connections(settings);
  }

  get connections(): StoreConnections {
    return this.#connections.state;
  }

  /**
   * Runs one statement as its own transaction, repeated while the server rolls it back for a lock conflict. With a
   * signal it must be a statement that only reads: when the signal aborts, the statement is cancelled and this rejects
   * with the signal's reason.
   */
  async rows<Row extends object>(
    statement: Statement<Row>,
    values: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<readonly Row[]> {
    try {
      return await this.#answering(() => queryUnlessAborted(this.#connections, { statement, values }, { signal }));
    } catch (failure) {
      signal?.throwIfAborted();
      throw failure;
    }
  }

  /**
   * Runs one statement that writes, as its own transaction, repeated like `rows`. The outcome of an UNAVAILABLE says
   * whether it may have been committed. With a signal it must be a statement that may be cancelled at any moment; its
   * errors have no outcome.
   */
  async write<Row extends object>(
    statement: Statement<Row>,
    values: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<readonly Row[]> {
    const bound = { statement, values };
    try {
      return await repeatedWhileRolledBack(() =>
        signal === undefined
          ? writeAlone(this.#connections, bound)
          : queryUnlessAborted(this.#connections, bound, { signal, commit: committing }),
      );
    } catch (failure) {
      signal?.throwIfAborted();
      throw portFailure(failure, signal === undefined ? "NONE" : undefined);
    }
  }

  /**
   * Commits all that `work` did, or nothing. `work` runs again from its start when the server rolled it back for a
   * conflict.
   */
  async transaction<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    return this.#answering(async () => this.#transactionOnce(work));
  }

  /** Runs what only reads on one server, as of one moment; again from its start when the server cancelled it. */
  async snapshot<Result>(look: (session: Session) => Promise<Result>): Promise<Result> {
    return this.#answering(async () => {
      const transaction = await Transaction.begin(this.#connections, "snapshot");
      try {
        return await look(transaction);
      } finally {
        await transaction.rollback();
      }
    });
  }

  /** A transaction to be held for a while; it is not repeated, and its methods reject with the driver's failures. */
  async begin(): Promise<Transaction> {
    try {
      return await Transaction.begin(this.#connections);
    } catch (failure) {
      throw portFailure(failure);
    }
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #answering<Result>(attempt: () => Promise<Result>): Promise<Result> {
    try {
      return await repeatedWhileRolledBack(attempt);
    } catch (failure) {
      throw portFailure(failure);
    }
  }

  async #transactionOnce<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    const transaction = await Transaction.begin(this.#connections);
    let result: Result;
    try {
      result = await work(transaction);
    } catch (failure) {
      await transaction.rollback();
      throw failure;
    }
    await transaction.commit();
    return result;
  }
}

async function repeatedWhileRolledBack<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (failure) {
      if (!wasRolledBack(failure) || attempts === MAX_ATTEMPTS) throw failure;
      await sleep(FIRST_PAUSE_MS * 2 ** attempts * Math.random());
    }
  }
}
