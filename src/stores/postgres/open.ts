import { AuditError } from "../../audit/errors.js";
import type { OpenedStore } from "../../audit/search-index.js";
import { PostgresBlockStore } from "./block-store.js";
import { Database, DATABASE_DEFAULTS, type DatabaseSettings } from "./database.js";
import { reasonOf } from "./failures.js";
import { PostgresLogStore } from "./log-store.js";
import { migrate } from "./migrate.js";
import type { Statement } from "./transaction.js";

/** A step of the schema may rewrite a large table; other gateways that start meanwhile wait for it. */
const MIGRATION_TIMEOUT_MS = 600_000;

const READ_ONLY: Statement<{ readonly isReadOnly: boolean }> = {
  name: "read-only",
  text: `SELECT current_setting('transaction_read_only') = 'on' AS "isReadOnly"`,
};

/** `url` is a connection URL; other settings have defaults. */
export type PostgresSettings = Pick<DatabaseSettings, "url"> & Partial<DatabaseSettings>;

/** Opens the logs in a database; rejects like `openDatabase`. */
export async function openPostgres(settings: PostgresSettings): Promise<OpenedStore> {
  const database = await openDatabase(settings);
  const [log, blocks] = [new PostgresLogStore(database), new PostgresBlockStore(database)];
  const isReadOnly = async (): Promise<boolean> => (await database.rows(READ_ONLY, []))[0]?.isReadOnly ?? false;
  return { log, blocks, isShared: true, isReadOnly, connections: () => database.connections };
}

/**
 * Connects, and creates or updates the schema `auditql` in the database. Rejects with AuditError UNAVAILABLE, with
 * `passing` set if waiting may help; otherwise an operator has to change something: the URL (BAD_USER_INPUT), a right,
 * the pooler, or this program when the schema is newer.
 */
export async function openDatabase(settings: PostgresSettings): Promise<Database> {
  const complete = { ...DATABASE_DEFAULTS, ...settings };
  try {
    await migrateOnce(complete);
  } catch (failure) {
    throw explained(failure);
  }
  return new Database(complete);
}

/** At start the operator reads the message, so it contains the driver's or the server's reason. */
function explained(failure: unknown): unknown {
  if (!(failure instanceof AuditError) || failure.retryAfterMs === undefined) return failure;
  return new AuditError(failure.code, `the database cannot be opened: ${reasonOf(failure.cause)}`, failure);
}

/** Gateways that start together wait for the one that migrates, which may also pause between two statements. */
async function migrateOnce(settings: DatabaseSettings): Promise<void> {
  const bounds = { maxConnections: 1, statementTimeoutMs: MIGRATION_TIMEOUT_MS, idleInTransactionMs: 0 };
  const database = new Database({ ...settings, ...bounds });
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
}
