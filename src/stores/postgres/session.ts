import type pg from "pg";
import { PROTOCOL_VIOLATION, sqlState, unusable } from "./failures.js";

/** The server's limits for a session; milliseconds, 0 for no limit. */
export interface SessionBounds {
  readonly statementTimeoutMs: number;
  readonly idleInTransactionMs: number;
}

/**
 * `own`: a server process that belongs to this connection, so settings and prepared statements last. `shared`: a pooler
 * may give each transaction another server process, so nothing lasts longer than a transaction.
 */
export type SessionKind = "own" | "shared";

/** The session behind a new connection. */
export interface ServerSession {
  readonly kind: SessionKind;
  /** The server follows a primary. */
  readonly isStandby: boolean;
  /** Transactions may not write: a standby, or a database set to read-only. */
  readonly isReadOnly: boolean;
}

/** What a connection leads to. */
interface Identity extends Pick<ServerSession, "isStandby" | "isReadOnly"> {
  readonly pid: number;
}

const IDENTITY = `
  SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS "isStandby",
    current_setting('transaction_read_only') = 'on' AS "isReadOnly"`;

export async function identify(client: pg.ClientBase): Promise<Identity> {
  const [identity] = (await client.query<Identity>(IDENTITY)).rows;
  if (identity === undefined) throw new Error("the server did not identify itself");
  return identity;
}

interface Effect {
  readonly commit: string;
  readonly statement: string;
  readonly idle: string;
}

const EFFECT = `
  SELECT current_setting('synchronous_commit') AS commit, current_setting('statement_timeout') AS statement,
    current_setting('idle_in_transaction_session_timeout') AS idle`;

/** The values of synchronous_commit under which a committed transaction is on disk. */
const DURABLE = ["on", "remote_apply"];

type Lifetime = "session" | "transaction";

/**
 * `each statement`: each statement sees what was committed before it, so that waiting for a lock is not a failure.
 * `snapshot`: all of them read as of one moment, and none writes.
 */
export type Sight = "each statement" | "snapshot";

const BEGIN: Readonly<Record<Sight, string>> = {
  "each statement": "BEGIN ISOLATION LEVEL READ COMMITTED",
  snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
};

const STATEMENT_POOLING =
  "the pooler in front of the database does not keep a transaction and its settings together: use pool_mode=transaction or pool_mode=session";

/**
 * Sets what must hold, for the session or the transaction, and returns it as the server spells it. The default of
 * server, role or URL may be less than durable; a stricter one is kept. A warning says that a commit did not wait for
 * its standby: see committing. No startup parameters, because poolers refuse or drop them.
 */
function settings({ statementTimeoutMs, idleInTransactionMs }: SessionBounds, lasts: Lifetime): string {
  const isLocal = String(lasts === "transaction");
  return `
    SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, ${isLocal}) AS commit,
      set_config('statement_timeout', '${statementTimeoutMs}', ${isLocal}) AS statement,
      set_config('idle_in_transaction_session_timeout', '${idleInTransactionMs}', ${isLocal}) AS idle,
      set_config('client_min_messages', 'warning', ${isLocal}) AS messages`;
}

/** The command that begins a transaction in a session of this kind, whatever the database's default isolation. */
export function beginning(kind: SessionKind, bounds: SessionBounds, sight: Sight): string {
  return kind === "own" ? BEGIN[sight] : `${BEGIN[sight]}; ${settings(bounds, "transaction")}`;
}

/**
 * Finds out what a new connection leads to, and makes sure that commits are durable there and every statement is
 * bounded: for good in an `own` session, otherwise by checking that each transaction can set it. Rejects with
 * UNAVAILABLE and a sentence for the operator when it cannot.
 */
export async function openSession(client: pg.ClientBase, bounds: SessionBounds): Promise<ServerSession> {
  const ask: Ask = async <Row extends object>(text: string) => (await client.query<Row>(text)).rows[0];
  const { pid, ...found } = await identify(client);
  // A pooler gives its clients its own numbers to cancel by; only a server gives its process's number.
  if (pid === client.processID && (await keeps(ask, bounds, "session"))) return { kind: "own", ...found };
  await requireTransactions(ask, bounds);
  return { kind: "shared", ...found };
}

type Ask = <Row extends object>(text: string) => Promise<Row | undefined>;

/** Whether the next statement sees what one statement sets. */
async function keeps(ask: Ask, bounds: SessionBounds, lasts: Lifetime): Promise<boolean> {
  const set = await ask<Effect>(settings(bounds, lasts));
  const kept = await ask<Effect>(EFFECT);
  if (set === undefined || kept === undefined || !DURABLE.includes(kept.commit)) return false;
  return set.commit === kept.commit && set.statement === kept.statement && set.idle === kept.idle;
}

async function requireTransactions(ask: Ask, bounds: SessionBounds): Promise<void> {
  await ask(BEGIN["each statement"]).catch((failure: unknown) => {
    throw sqlState(failure) === PROTOCOL_VIOLATION ? unusable(STATEMENT_POOLING, failure) : failure;
  });
  if (!(await keeps(ask, bounds, "transaction"))) throw unusable(STATEMENT_POOLING);
  await ask("COMMIT");
}
