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
export type Commit = <Result extends pg.QueryResult | pg.QueryResult[]>(
  client: pg.ClientBase,
  commit: () => Promise<Result>,
) => Promise<Result>;

/**
 * Runs one statement as its own transaction, in one round trip. In an `own` session the settings are in place and
 * statements are prepared once by name. In a `shared` one both would affect other clients, so the transaction carries its
 * settings and the statement has no name. When the statement fails, the server takes the COMMIT behind it for a ROLLBACK.
 */
export async function runAlone<Row extends object>(
  { client, kind, begin }: Connection,
  { statement, values }: Bound<Row>,
  commit: Commit = (_, run) => run(),
): Promise<readonly Row[]> {
  if (kind === "own")
    return (await commit(client, () => client.query<Row>({ ...statement, values: [...values] }))).rows;
  const [begun, ran, committed] = await Promise.allSettled([
    client.query(begin("each statement")),
    client.query<Row>({ text: statement.text, values: [...values] }),
    commit(client, () => client.query("COMMIT")),
  ]);
  if (begun.status === "rejected") throw begun.reason;
  if (ran.status === "rejected") throw ran.reason;
  if (committed.status === "rejected") throw committed.reason;
  return ran.value.rows;
}

/**
 * Runs one statement that writes, as its own transaction. What cannot be done now rejects with UNAVAILABLE, whose
 * outcome says whether it may have been committed. A transaction that the server rolled back for a lock conflict
 * rejects with the driver's failure, to be repeated.
 */
export async function writeAlone<Row extends object>(
  connections: Connections,
  bound: Bound<Row>,
): Promise<readonly Row[]> {
  const connection = await connected(connections);
  const { client, kind } = connection;
  // A broken connection also emits this error; the statement fails by itself.
  client.on("error", ignore);
  const outcome = { mayBeCommitted: false };
  const commit: Commit = async (on, run) => {
    outcome.mayBeCommitted = true;
    const result = await committing(on, run);
    outcome.mayBeCommitted = [result].flat().some(({ command }) => command !== "ROLLBACK");
    return result;
  };
  try {
    const rows = await runAlone(connection, bound, commit);
    giveBack(connection);
    return rows;
  } catch (failure) {
    // Behind a pooler, the session that outlives the failure may be another one.
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
 * Whether the server refused a statement, and so rolled it back. An error that ends its session may have come after the
 * commit, such as that of a journal that cannot be written. Severities are translated, so only the session itself
 * tells.
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
  // The failed statement rejects for its caller.
}
