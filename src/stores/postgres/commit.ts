import pg from "pg";
import { committing } from "./committing.js";
import type { Connection, Connections } from "./connections.js";
import { portFailure, wasRolledBack } from "./failures.js";
import type { Statement } from "./transaction.js";

/** A statement with its values. */
export interface Bound<Row> {
  readonly statement: Statement<Row>;
  readonly values: readonly unknown[];
}

/** Runs the statement that commits. */
export type Commit = <Result>(client: pg.ClientBase, commit: () => Promise<Result>) => Promise<Result>;

/**
 * One statement, a transaction of its own. In a session of ours what must hold is set already, and statements are prepared
 * once under their name. In a shared one both would be another client's, so the transaction brings its settings along, and its
 * statement has no name.
 */
export async function runAlone<Row extends object>(
  { client, kind, begin }: Connection,
  { statement, values }: Bound<Row>,
  commit: Commit = (_, run) => run(),
): Promise<readonly Row[]> {
  if (kind === "own")
    return (await commit(client, () => client.query<Row>({ ...statement, values: [...values] }))).rows;
  await client.query(begin);
  const { rows } = await client.query<Row>({ text: statement.text, values: [...values] });
  await commit(client, () => client.query("COMMIT"));
  return rows;
}

/**
 * One statement that writes, a transaction of its own. What cannot be done now rejects as UNAVAILABLE, and its outcome says
 * whether it may have been committed; a transaction that the server rolled back for a conflict in its locks rejects with
 * the driver's failure, to be repeated.
 */
export async function writeAlone<Row extends object>(
  connections: Connections,
  bound: Bound<Row>,
): Promise<readonly Row[]> {
  const connection = await connected(connections);
  const { client, kind } = connection;
  // A connection that breaks says so here, too; the statement fails by itself.
  client.on("error", ignore);
  const outcome = { mayBeCommitted: false };
  const commit: Commit = (on, run) => {
    outcome.mayBeCommitted = true;
    return committing(on, run);
  };
  try {
    const rows = await runAlone(connection, bound, commit);
    giveBack(connection);
    return rows;
  } catch (failure) {
    // Behind a pooler it may be another session that outlives the failure.
    const isNone = !outcome.mayBeCommitted || (kind === "own" && (await wasRefused(client, failure)));
    giveBack(connection, failure);
    throw wasRolledBack(failure) ? failure : portFailure(failure, isNone ? "NONE" : "UNKNOWN");
  }
}

async function connected(connections: Connections): Promise<Connection> {
  try {
    return await connections.connect();
  } catch (failure) {
    throw portFailure(failure, "NONE");
  }
}

/**
 * Whether the server refused a statement, and so rolled it back. An error that ends its session may have come after the commit,
 * such as that of a journal which cannot be written; severities are translated, so it is the session itself that tells.
 */
async function wasRefused(client: pg.ClientBase, failure: unknown): Promise<boolean> {
  if (!(failure instanceof pg.DatabaseError)) return false;
  try {
    await client.query("SELECT 1");
    return true;
  } catch {
    return false;
  }
}

function giveBack(connection: Connection, failure?: unknown): void {
  connection.client.removeListener("error", ignore);
  connection.release(failure);
}

function ignore(): void {
  // The caller of the failed statement is told; see where this listens.
}
