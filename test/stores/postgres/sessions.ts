import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { sql } from "./server.js";

/** Locks a table of a database, so that whoever reads it waits; what it answers lets them go. */
export async function lockTable(url: string, table: string): Promise<() => Promise<void>> {
  const rival = new pg.Client({ connectionString: url });
  await rival.connect();
  await rival.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return () => rival.end();
}

const RUNNING = `
  SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND state = $2 AND application_name = 'auditql' AND query LIKE $1`;

/** The statements of gateways that match a LIKE pattern and that the server executes, or executed last. */
async function runningStatements(url: string, like: string, state: SessionState): Promise<number> {
  return (await sql(url, RUNNING, [like, state])).length;
}

/** The connections that gateways have to the database. */
export async function openSessions(url: string): Promise<number> {
  const all = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'auditql'";
  return (await sql(url, all)).length;
}

/** Resolves when there are so many of them; throws, with the number that there are, after `timeoutMs`. */
export async function untilRunning(
  url: string,
  like: string,
  { count, state = "active", timeoutMs = 5_000 }: Wanted,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const running = await runningStatements(url, like, state);
    if (running === count) return;
    if (Date.now() > deadline) throw new Error(`${running} statements like ${like} are running, not ${count}`);
    await sleep(10);
  }
}

/** `active`: also one that waits for a lock. `idle in transaction`: its statement is done. */
type SessionState = "active" | "idle in transaction";

export interface Wanted {
  readonly count: number;
  /** Default: active. */
  readonly state?: SessionState;
  readonly timeoutMs?: number;
}
