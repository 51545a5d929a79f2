import { Database, DATABASE_DEFAULTS, type DatabaseSettings } from "./database.js";
import { PostgresLogStore } from "./log-store.js";
import { migrate } from "./migrate.js";

/** A step of the schema may rewrite a large table; other gateways that start meanwhile wait for it. */
const MIGRATION_TIMEOUT_MS = 600_000;

/**
 * Opens the logs in a PostgreSQL database, creating or updating the schema `auditql` there.
 * `settings.url` is a connection URL; rejects with AuditError UNAVAILABLE when it leads nowhere.
 */
export async function openPostgres(
  settings: Pick<DatabaseSettings, "url"> & Partial<DatabaseSettings>,
): Promise<PostgresLogStore> {
  const complete = { ...DATABASE_DEFAULTS, ...settings };
  await migrateOnce(complete);
  return new PostgresLogStore(new Database(complete));
}

async function migrateOnce(settings: DatabaseSettings): Promise<void> {
  const database = new Database({ ...settings, maxConnections: 1, statementTimeoutMs: MIGRATION_TIMEOUT_MS });
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
}
