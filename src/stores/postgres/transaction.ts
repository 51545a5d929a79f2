import { committing } from "./committing.js";
import type { Connection, Connections } from "./connections.js";
import { isReadOnlySession, portFailure, wasRolledBack } from "./failures.js";

/** SQL with `$1` parameters, prepared once per session of ours under its name; an empty name is prepared for one use. */
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
  readonly #connection: Connection;
  /** Why the connection cannot be used after this transaction. */
  #failure: unknown;
  /** What the server said when it ended the session, which no statement was there to be told. */
  #last: unknown;
  readonly #note = (failure: unknown): void => {
    this.#last ??= failure;
  };

  private constructor(connection: Connection) {
    this.#connection = connection;
    connection.client.on("error", this.#note);
  }

  static async begin(connections: Connections): Promise<Transaction> {
    const transaction = new Transaction(await connections.connect());
    try {
      await transaction.run(transaction.#connection.begin);
      return transaction;
    } catch (failure) {
      transaction.#release(failure);
      throw failure;
    }
  }

  async rows<Row extends object>(statement: Statement<Row>, values: readonly unknown[]): Promise<readonly Row[]> {
    const { client, kind } = this.#connection;
    const { name, text } = statement;
    const query = { ...(kind === "own" && { name }), text, values: [...values] };
    return (await this.#step(client.query<Row>(query))).rows;
  }

  async run(sql: string): Promise<void> {
    await this.#step(this.#connection.client.query(sql));
  }

  /** Rejects UNAVAILABLE with the outcome UNKNOWN when the server did not say that it has committed, and waited for its standbys. */
  async commit(): Promise<void> {
    try {
      await committing(this.#connection.client, () => this.#end("COMMIT"));
    } catch (failure) {
      throw wasRolledBack(failure) ? failure : portFailure(failure, "UNKNOWN");
    }
  }

  /** Never rejects. */
  async rollback(): Promise<void> {
    await this.#end("ROLLBACK").catch(ignore);
  }

  /** Notes a refusal to write: the session keeps what it began with, so a database that may be written again needs a new one. */
  async #step<Result>(result: Promise<Result>): Promise<Result> {
    try {
      return await result;
    } catch (failure) {
      if (isReadOnlySession(failure)) this.#failure = failure;
      // Of a session that was ended before, the driver says no more than that.
      throw this.#last ?? failure;
    }
  }

  async #end(command: "COMMIT" | "ROLLBACK"): Promise<void> {
    try {
      await this.#step(this.#connection.client.query(command));
      this.#release(this.#failure);
    } catch (failure) {
      this.#release(failure);
      throw failure;
    }
  }

  #release(failure: unknown): void {
    this.#connection.client.removeListener("error", this.#note);
    this.#connection.release(failure);
  }
}

function ignore(): void {
  // Where the connection is broken, the server rolls back by itself.
}
