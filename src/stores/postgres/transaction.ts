import type pg from "pg";
import { committing } from "./commit.js";
import { isReadOnlySession, portFailure, wasRolledBack } from "./failures.js";

/** SQL with `$1` parameters, prepared once per connection under its name; an empty name is prepared for one use. */
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

/** A transaction on a connection of the pool, which goes back with `commit` or `rollback`; one of them must be called. */
export class Transaction implements Session {
  readonly #client: pg.PoolClient;
  #isReadOnly = false;

  private constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  /** Whatever the database's default is: each statement sees what was committed before it, so that waiting for a lock is no failure. */
  static async begin(pool: pg.Pool): Promise<Transaction> {
    const client = await pool.connect();
    // A connection that breaks between two statements says so here; the next statement then fails by itself.
    client.on("error", ignore);
    const transaction = new Transaction(client);
    try {
      await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
      return transaction;
    } catch (failure) {
      transaction.#release(false);
      throw failure;
    }
  }

  async rows<Row extends object>(statement: Statement<Row>, values: readonly unknown[]): Promise<readonly Row[]> {
    return (await this.#step(this.#client.query<Row>({ ...statement, values: [...values] }))).rows;
  }

  async run(sql: string): Promise<void> {
    await this.#step(this.#client.query(sql));
  }

  /** Rejects UNAVAILABLE with the outcome UNKNOWN when the server did not say that it has committed, and waited for its standbys. */
  async commit(): Promise<void> {
    try {
      await committing(this.#client, () => this.#end("COMMIT"));
    } catch (failure) {
      throw wasRolledBack(failure) ? failure : portFailure(failure, "UNKNOWN");
    }
  }

  /** Never rejects: where the connection is broken, the server rolls back by itself. */
  async rollback(): Promise<void> {
    await this.#end("ROLLBACK").catch(ignore);
  }

  /** Notes a refusal to write: the session keeps what it began with, so a database that may be written again needs a new one. */
  async #step<Result>(result: Promise<Result>): Promise<Result> {
    try {
      return await result;
    } catch (failure) {
      this.#isReadOnly ||= isReadOnlySession(failure);
      throw failure;
    }
  }

  async #end(command: "COMMIT" | "ROLLBACK"): Promise<void> {
    let isReusable = false;
    try {
      await this.#client.query(command);
      isReusable = !this.#isReadOnly;
    } finally {
      this.#release(isReusable);
    }
  }

  #release(isReusable: boolean): void {
    this.#client.removeListener("error", ignore);
    this.#client.release(!isReusable);
  }
}

function ignore(): void {
  // The caller of the failed statement is told; see where this listens.
}
