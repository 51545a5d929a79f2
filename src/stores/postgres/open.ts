import { AuditError } from "../../audit/errors.js";
import type { IndexedStore } from "../../audit/search-index.js";
import { PostgresBulkQueue } from "./bulk-queue.js";
import { Database, DATABASE_DEFAULTS, type DatabaseSettings } from "./database.js";
import { PostgresLogStore } from "./log-store.js";
import { migrate } from "./migrate.js";
import { PostgresSearchIndex } from "./search-index.js";

/** A step of the schema may rewrite a large table; other gateways that start meanwhile wait for it. */
const MIGRATION_TIMEOUT_MS = 600_000;

/** `url` is a connection URL; what else is left out has its default. */
export type PostgresSettings = Pick<DatabaseSettings, "url"> & Partial<DatabaseSettings>;

/** Opens the logs in a database and the index that follows them; rejects as `openDatabase` does. */
export async function openPostgres(settings: PostgresSettings): Promise<IndexedStore> {
  const database = await openDatabase(settings);
  const log = new PostgresLogStore(database);
  const index = new PostgresSearchIndex(database);
  log.onAppend((name) => {
    index.follow(name);
  });
  return { log, index, bulkQueue: new PostgresBulkQueue(database), isShared: true };
}

/**
 * Connects, and creates or updates the schema `auditql` in the database. Rejects with AuditError UNAVAILABLE when the URL
 * leads nowhere, and with an Error when the schema is newer than this program.
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

/** At the start it is the operator who reads the message, and the driver's reason is what helps. */
function explained(failure: unknown): unknown {
  if (!(failure instanceof AuditError)) return failure;
  const detail = {
    cause: failure.cause,
    ...(failure.retryAfterMs !== undefined && { retryAfterMs: failure.retryAfterMs }),
  };
  return new AuditError(failure.code, `the database cannot be opened: ${reason(failure.cause)}`, detail);
}

function reason(cause: unknown): string {
  // Of a host name with several addresses each was tried; the first failure says enough.
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  return String(first).replace(/^\w*error: /i, "");
}

async function migrateOnce(settings: DatabaseSettings): Promise<void> {
  const database = new Database({ ...settings, maxConnections: 1, statementTimeoutMs: MIGRATION_TIMEOUT_MS });
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
}
