import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./database.js";
import { sqlState, unusable } from "./failures.js";
import { SCHEMA_STEPS, type SchemaStep } from "./schema.js";
import type { Session, Statement } from "./transaction.js";

const FIRST_TABLE = `
  CREATE SCHEMA IF NOT EXISTS auditql;
  CREATE TABLE IF NOT EXISTS auditql.schema_version (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    version integer NOT NULL
  );
  INSERT INTO auditql.schema_version (only_row, version) VALUES (1, 0) ON CONFLICT DO NOTHING;
`;

const TABLE_EXISTS: Statement<{ readonly exists: boolean }> = {
  name: "schema-version-exists",
  text: "SELECT to_regclass('auditql.schema_version') IS NOT NULL AS exists",
};

const VERSION: Statement<{ readonly version: number }> = {
  name: "schema-version",
  text: "SELECT version FROM auditql.schema_version WHERE only_row = 1",
};

const LOCK_VERSION: Statement<{ readonly version: number }> = {
  name: "schema-version-lock",
  text: "SELECT version FROM auditql.schema_version WHERE only_row = 1 FOR UPDATE",
};

const SET_VERSION: Statement<never> = {
  name: "schema-version-set",
  text: "UPDATE auditql.schema_version SET version = $1 WHERE only_row = 1",
};

/**
 * Unique violation, duplicate schema, duplicate table: CREATE … IF NOT EXISTS still fails with these when two of them
 * race.
 */
const CREATED_BY_ANOTHER = ["23505", "42P06", "42P07"];
const MAX_ATTEMPTS = 20;
const PAUSE_MS = 20;

/**
 * Upgrades the schema to the version of this program. Any number of gateways may start at once: one migrates with the
 * version's row locked, and the others then find the work done. An up-to-date schema is only read. Rejects with
 * UNAVAILABLE, for an operator to fix, when the schema is newer than this program.
 */
export async function migrate(database: Database, steps: readonly SchemaStep[] = SCHEMA_STEPS): Promise<void> {
  if ((await storedVersion(database)) === steps.length) return;
  await createVersionTable(database);
  const found = await database.transaction(async (session) => takeSteps(session, steps));
  if (found > steps.length) throw unusable(newerSchema(found, steps.length));
}

async function storedVersion(database: Database): Promise<number | undefined> {
  const [table] = await database.rows(TABLE_EXISTS, []);
  if (table?.exists !== true) return undefined;
  const [row] = await database.rows(VERSION, []);
  return row?.version;
}

async function createVersionTable(database: Database): Promise<void> {
  for (let attempts = 1; ; attempts++) {
    try {
      await database.transaction(async (session) => session.run(FIRST_TABLE));
      return;
    } catch (failure) {
      if (!CREATED_BY_ANOTHER.includes(sqlState(failure) ?? "") || attempts === MAX_ATTEMPTS) throw failure;
      await sleep(PAUSE_MS * Math.random());
    }
  }
}

/** Takes the missing steps; returns the version that was found. */
async function takeSteps(session: Session, steps: readonly SchemaStep[]): Promise<number> {
  const [row] = await session.rows(LOCK_VERSION, []);
  const version = row?.version ?? 0;
  for (const step of steps.slice(version)) {
    if (typeof step === "string") await session.run(step);
    else await step(session);
  }
  if (version < steps.length) await session.rows(SET_VERSION, [steps.length]);
  return version;
}

function newerSchema(stored: number, known: number): string {
  return `the database has schema version ${stored} and this program knows versions up to ${known}: start the newer program that wrote it`;
}
