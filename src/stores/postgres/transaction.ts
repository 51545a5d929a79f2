import { committing } from "./committing.js";
import type { Connection, Connections } from "./connections.js";
import { isReadOnlySession, portFailure, wasRolledBack } from "./failures.js";
import type { Sight } from "./session.js";

/** SQL with `$1` parameters, prepared by name once per `own` session; with an empty name, for one use. */
export interface Statement<Row> {
  readonly name: string;
  readonly text: string;
  /** Never set: it carries the type of the rows. */
  readonly row?: Row;
}

/** What a transaction can do: run statements, one after the other, on its own connection. */
export interface Session {
  rows<Row extends object>(statement: Statement<Row>, values: readonly unknown[]): Promise<readonly Row[]>;
  /** SQL without parameters, several statements allowed. */
  run(sql: string): Promise<void>;
}

/**
 * A transaction on a connection of the pool, which `commit` or `rollback` returns; one of them must be called. Its
 * statements run one after the other, in the order of the calls. Each is sent at once, behind those that still run: so
 * several take one round trip.
 */
export class Transaction implements Session {
  readonly #connection: Connection;
  /** A statement behind a BEGIN that failed would be a transaction of its own. */
  readonly #begun: Promise<unknown>;
  #isOver = false;
  /** Why the connection cannot be used after this transaction. */
  #failure: unknown;
  /** The server's message when it ended the session outside of any statement. */
  #last: unknown;
  readonly #note = (failure: unknown): void => {
    this.#last ??= failure;
  };

  private constructor(connection: Connection, sight: Sight) {
    this.#connection = connection;
    connection.client.on("error", this.#note);
    this.#begun = connection.client.query(connection.begin(sight));
    this.#begun.catch((failure: unknown) => {
      this.#failure = failure;
    });
  }

  /** Its first statement rejects when the server does not begin one. */
  static async begin(connections: Connections, sight: Sight = "each statement"): Promise<Transaction> {
    return new Transaction(await connections.connect(), sight);
  }

  async rows<Row extends object>(statement: Statement<Row>, values: readonly unknown[]): Promise<readonly Row[]> {
    const { client, kind } = this.#connection;
    const { name, text } = statement;
    const query = { ...(kind === "own" && { name }), text, values: [...values] };
    return (await this.#step(() => client.query<Row>(query))).rows;
  }

  async run(sql: string): Promise<void> {
    await this.#step(() => this.#connection.client.query(sql));
  }

  /**
   * Rejects with UNAVAILABLE and the outcome UNKNOWN when the server did not report that it committed and waited for
   * its standbys.
   */
  async commit(): Promise<void> {
    try {
      await committing(this.#connection.client, () => this.#end("COMMIT"));
    } catch (failure) {
      throw wasRolledBack(failure) ? failure : portFailure(failure, "UNKNOWN");
    }
  }

  /**
   * Commits in the same round trip as a last statement, sent just before. When only that one fails, the server has taken
   * the COMMIT for a ROLLBACK. Otherwise rejects like `commit`.
   */
  async commitWith<Result>(last: Promise<Result>): Promise<Result> {
    const [, committed] = await Promise.allSettled([last, this.commit()]);
    if (committed.status === "rejected") throw committed.reason;
    return last;
  }

  /** Never rejects. */
  async rollback(): Promise<void> {
    await this.#end("ROLLBACK").catch(ignore);
  }

  /**
   * Records a refused write: a session keeps the mode it began with, so a database that becomes writable again needs a
   * new one.
   */
  async #step<Result>(run: () => Promise<Result>): Promise<Result> {
    if (this.#isOver) throw new Error("the transaction is over");
    try {
      const [, result] = await Promise.all([this.#begun, run()]);
      return result;
    } catch (failure) {
      if (isReadOnlySession(failure)) this.#failure = failure;
      // For a session that was ended before, the driver's own error says nothing more.
      throw this.#last ?? failure;
    }
  }

  async #end(command: "COMMIT" | "ROLLBACK"): Promise<void> {
    try {
      const ended = this.#step(() => this.#connection.client.query(command));
      this.#isOver = true;
      await ended;
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
  // A failed statement rejects for its caller; when the connection is broken, the server rolls back by itself.
}
