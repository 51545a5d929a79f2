import pg from "pg";
import { portFailure, wasRolledBack } from "./failures.js";

type Query = pg.QueryConfig<unknown[]>;

/** A commit that the server did, without what it is configured to wait for. */
export class UncertainCommit extends Error {
  override readonly name = "UncertainCommit";
}

interface Notice {
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** What notices have that are no warnings. Their texts are translated, these codes are not (PostgreSQL manual, appendix A). */
const SUCCESSFUL_COMPLETION = "00000";

/**
 * What a statement that commits returns. A commit whose wait for a synchronous standby was cut short, by a cancel request or
 * the end of its session, returns success with a warning: it is visible, and on no standby. No other warning comes with a
 * commit of ours, so any means that: rejects with UncertainCommit.
 */
export async function committing<Result>(client: pg.ClientBase, commit: () => Promise<Result>): Promise<Result> {
  const warnings: string[] = [];
  const listen = ({ code, message }: Notice): void => {
    if (code !== SUCCESSFUL_COMPLETION) warnings.push(message ?? "a warning");
  };
  client.on("notice", listen);
  try {
    const result = await commit();
    if (warnings.length > 0) throw new UncertainCommit(warnings.join("; "));
    return result;
  } finally {
    client.removeListener("notice", listen);
  }
}

/**
 * One statement on a connection of the pool that is a transaction of its own. What cannot be done now rejects as UNAVAILABLE,
 * and its outcome says whether it may have been committed; a transaction that the server rolled back for a conflict in
 * its locks rejects with the driver's failure, to be repeated.
 */
export async function writeAlone<Row extends object>(pool: pg.Pool, query: Query): Promise<readonly Row[]> {
  const client = await connected(pool);
  // A connection that breaks says so here, too; the statement fails by itself.
  client.on("error", ignore);
  try {
    const { rows } = await committing(client, () => client.query<Row>(query));
    giveBack(client, true);
    return rows;
  } catch (failure) {
    const outcome = (await wasRefused(client, failure)) ? "NONE" : "UNKNOWN";
    giveBack(client, false);
    throw wasRolledBack(failure) ? failure : portFailure(failure, outcome);
  }
}

async function connected(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (failure) {
    throw portFailure(failure, "NONE");
  }
}

/**
 * Whether the server refused a statement, and so rolled it back. An error that ends its session may have come after the commit,
 * such as that of a journal which cannot be written; severities are translated, so it is the session itself that tells.
 */
async function wasRefused(client: pg.PoolClient, failure: unknown): Promise<boolean> {
  if (!(failure instanceof pg.DatabaseError)) return false;
  try {
    await client.query("SELECT 1");
    return true;
  } catch {
    return false;
  }
}

function giveBack(client: pg.PoolClient, isReusable: boolean): void {
  client.removeListener("error", ignore);
  client.release(!isReusable);
}

function ignore(): void {
  // The caller of the failed statement is told; see where this listens.
}
