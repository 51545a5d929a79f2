import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { parseIntoClientConfig } from "pg-connection-string";
import { queryUnlessAborted } from "./abandoned-query.js";
import { committing, writeAlone } from "./commit.js";
import { portFailure, wasRolledBack } from "./failures.js";
import { Transaction, type Session, type Statement } from "./transaction.js";

export interface DatabaseSettings {
  readonly url: string;
  readonly maxConnections: number;
  /** Bounds connecting, and waiting for a free connection of the pool. */
  readonly connectTimeoutMs: number;
  /** The server stops a statement after this time; a second later the client gives up on a silent server. */
  readonly statementTimeoutMs: number;
}

export const DATABASE_DEFAULTS = { maxConnections: 10, connectTimeoutMs: 5_000, statementTimeoutMs: 15_000 } as const;

const IDLE_IN_TRANSACTION_MS = 5_000;
const MAX_ATTEMPTS = 8;
const FIRST_PAUSE_MS = 4;

/** A bounded pool of connections. Every method rejects with AuditError UNAVAILABLE when the server cannot be reached in time. */
export class Database {
  readonly #pool: pg.Pool;

  constructor(settings: DatabaseSettings) {
    this.#pool = new pg.Pool(poolConfig(settings));
    // An idle connection that dies is replaced at its next use; without a listener its error would end the process.
    this.#pool.on("error", ignore);
  }

  /**
   * One statement, a transaction of its own; repeated while the server rolls it back for a conflict in its locks. It must be one
   * that reads if it has a signal: when that aborts, it is cancelled, and this rejects with the signal's reason.
   */
  async rows<Row extends object>(
    statement: Statement<Row>,
    values: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<readonly Row[]> {
    const query = { ...statement, values: [...values] };
    if (signal === undefined) return this.#answering(async () => (await this.#pool.query<Row>(query)).rows);
    try {
      const run = async (client: pg.ClientBase): Promise<readonly Row[]> => (await client.query<Row>(query)).rows;
      return await this.#answering(() => queryUnlessAborted(this.#pool, run, signal));
    } catch (failure) {
      signal.throwIfAborted();
      throw failure;
    }
  }

  /**
   * One statement that writes, a transaction of its own; repeated as `rows` is. The outcome of what is UNAVAILABLE says whether it
   * may have been committed. One that has a signal must be one that may be cancelled at any moment: it says nothing of an outcome.
   */
  async write<Row extends object>(
    statement: Statement<Row>,
    values: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<readonly Row[]> {
    const query = { ...statement, values: [...values] };
    const run = async (client: pg.ClientBase): Promise<readonly Row[]> =>
      (await committing(client, () => client.query<Row>(query))).rows;
    try {
      return await repeatedWhileRolledBack(() =>
        signal === undefined ? writeAlone<Row>(this.#pool, query) : queryUnlessAborted(this.#pool, run, signal),
      );
    } catch (failure) {
      signal?.throwIfAborted();
      throw portFailure(failure, signal === undefined ? "NONE" : undefined);
    }
  }

  /** Commits what `work` did, or nothing of it. `work` runs again from its start when the server rolled it back for a conflict. */
  async transaction<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    return this.#answering(async () => this.#transactionOnce(work));
  }

  /** A transaction to be held for a while; it is not repeated, and its own methods reject with the driver's failures. */
  async begin(): Promise<Transaction> {
    try {
      return await Transaction.begin(this.#pool);
    } catch (failure) {
      throw portFailure(failure);
    }
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }

  async #answering<Result>(attempt: () => Promise<Result>): Promise<Result> {
    try {
      return await repeatedWhileRolledBack(attempt);
    } catch (failure) {
      throw portFailure(failure);
    }
  }

  async #transactionOnce<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    const transaction = await Transaction.begin(this.#pool);
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

/** What the URL sets besides where the database is holds too, but for what correctness and bounds need. */
function poolConfig({ url, maxConnections, connectTimeoutMs, statementTimeoutMs }: DatabaseSettings): pg.PoolConfig {
  const given = parseIntoClientConfig(url);
  return {
    application_name: "auditql",
    ...given,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 1_000,
    // A gateway that stalls in a transaction would keep the head's row locked for all others.
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    // `appended` means durable, whatever the server's or the role's default says; and a warning says that it is not: see committing.
    options: `${given.options ?? ""} -c synchronous_commit=on -c client_min_messages=warning`.trim(),
    keepAlive: true,
    types,
  };
}

/** The driver's, but bigint as a number: ours are sizes and indexes, none above 2^53 - 1. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

function ignore(): void {
  // The caller of the failed statement is told; see where this listens.
}
