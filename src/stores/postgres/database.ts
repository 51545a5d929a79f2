import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { portFailure, wasRolledBack } from "./failures.js";

/** SQL with `$1` parameters, prepared once per connection under its name. */
export interface Statement<Row> {
  readonly name: string;
  readonly text: string;
  /** Never set: it carries the type of the rows. */
  readonly row?: Row;
}

/** What a transaction may do: run statements, one after the other, on its own connection. */
export interface Session {
  rows<Row extends object>(statement: Statement<Row>, values: readonly unknown[]): Promise<readonly Row[]>;
  /** SQL without parameters, several statements allowed. */
  run(sql: string): Promise<void>;
}

export interface DatabaseSettings {
  readonly url: string;
  readonly maxConnections: number;
  /** Bounds connecting, and waiting for a free connection of the pool. */
  readonly connectTimeoutMs: number;
  /** The server stops a statement after this time; a second later the client gives up on a silent server. */
  readonly statementTimeoutMs: number;
}

export const DATABASE_DEFAULTS = { maxConnections: 10, connectTimeoutMs: 5_000, statementTimeoutMs: 15_000 } as const;

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

  /** One statement, a transaction of its own; repeated while the server rolls it back for a conflict in its locks. */
  async rows<Row extends object>(statement: Statement<Row>, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.#answering(async () => (await this.#pool.query<Row>({ ...statement, values: [...values] })).rows);
  }

  /** Commits what `work` did, or nothing of it. `work` runs again from its start when the server rolled it back for a conflict. */
  async transaction<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    return this.#answering(async () => this.#transactionOnce(work));
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
    const client = await this.#pool.connect();
    // A connection that breaks between two statements says so here; the next statement then fails by itself.
    client.on("error", ignore);
    let isReusable = false;
    try {
      await client.query("BEGIN");
      const outcome = await outcomeOf(work(sessionOn(client)));
      await client.query(outcome.kind === "done" ? "COMMIT" : "ROLLBACK");
      isReusable = true;
      if (outcome.kind === "failed") throw outcome.failure;
      return outcome.result;
    } finally {
      client.removeListener("error", ignore);
      client.release(!isReusable);
    }
  }
}

type Outcome<Result> =
  { readonly kind: "done"; readonly result: Result } | { readonly kind: "failed"; readonly failure: unknown };

async function outcomeOf<Result>(work: Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { kind: "done", result: await work };
  } catch (failure) {
    return { kind: "failed", failure };
  }
}

function sessionOn(client: pg.PoolClient): Session {
  return {
    rows: async <Row extends object>(statement: Statement<Row>, values: readonly unknown[]) =>
      (await client.query<Row>({ ...statement, values: [...values] })).rows,
    run: async (sql) => {
      await client.query(sql);
    },
  };
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

function poolConfig({ url, maxConnections, connectTimeoutMs, statementTimeoutMs }: DatabaseSettings): pg.PoolConfig {
  return {
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 1_000,
    // A gateway that stalls in a transaction would keep the head's row locked for all others.
    idle_in_transaction_session_timeout: statementTimeoutMs,
    // `appended` means durable, whatever the server's or the role's default says.
    options: "-c synchronous_commit=on",
    application_name: "auditql",
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
