import pg from "pg";
import { indexed } from "../../src/engine/search/open-index.js";
import { openPostgres } from "../../src/stores/postgres/open.js";
import { somePostgres, sql, type PostgresServer } from "../stores/postgres/server.js";
import type { AttackedStore } from "./attack-contract.js";
import { examine, fillAttackedLog, rightAnswers, type Answers, type Examined } from "./attacked-log.js";
import { attackedRows, keysOf, quoted, type Column, type Mutation, type Row, type Table } from "./mutations.js";
import { KEYRING } from "../keyring.js";

/** SQLSTATE 22 and 23: a value that the type does not have, or that a constraint forbids. */
const REFUSED = /^2[23]/;

/**
 * A log in a database, which stays as it was filled: each change is made in a copy of it. The copies are used again, for a new
 * one takes longer than to put the rows back, from tables that are no part of what the gateway reads.
 */
export class PostgresAttack implements AttackedStore {
  readonly dialect = { table: (name: string) => `auditql.${quoted(name)}`, parameter: (nth: number) => `$${nth}` };

  readonly #idle: string[] = [];

  private constructor(
    private readonly server: PostgresServer,
    private readonly sound: string,
    private readonly made: { readonly right: Answers; readonly putBack: string },
  ) {}

  get right(): Answers {
    return this.made.right;
  }

  static async start(): Promise<PostgresAttack> {
    const server = await somePostgres();
    try {
      const sound = await server.newDatabase();
      await fillAttackedLog(async () => indexed(await openPostgres({ url: sound }), KEYRING));
      const putBack = await setAside(sound);
      const copy = await server.newDatabase(nameOf(sound));
      const right = await rightAnswers(async () => indexed(await openPostgres({ url: copy }), KEYRING));
      return new PostgresAttack(server, sound, { right, putBack });
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  attack(mutation: Mutation): Promise<Examined | undefined> {
    return this.change([mutation]);
  }

  /** What the store answers after changes of the database; undefined where the schema refuses one. */
  async change(changes: readonly Pick<Mutation, "sql" | "values">[]): Promise<Examined | undefined> {
    const copy = this.#idle.pop() ?? (await this.server.newDatabase(nameOf(this.sound)));
    try {
      await sql(copy, this.made.putBack);
      return (await areMade(copy, changes))
        ? await examine(async () => indexed(await openPostgres({ url: copy }), KEYRING))
        : undefined;
    } finally {
      this.#idle.push(copy);
    }
  }

  /** Every table of the schema, as the database itself lists them. */
  async tables(): Promise<readonly Table[]> {
    const found = await sql(
      this.sound,
      `SELECT c.table_name AS table, c.column_name AS column, c.is_nullable = 'YES' AS "isNullable",
         c.data_type = 'bigint' AS "isBigint", EXISTS (
         SELECT FROM information_schema.table_constraints t
         JOIN information_schema.key_column_usage k USING (constraint_schema, constraint_name)
         WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_schema = c.table_schema
           AND k.table_name = c.table_name AND k.column_name = c.column_name) AS "isKey"
       FROM information_schema.columns c WHERE c.table_schema = 'auditql' ORDER BY c.table_name, c.ordinal_position`,
    );
    const columns = found as readonly FoundColumn[];
    const names = [...new Set(columns.map(({ table }) => table))];
    return Promise.all(
      names.map((name) =>
        this.#table(
          name,
          columns.filter(({ table }) => table === name),
        ),
      ),
    );
  }

  async #table(name: string, columns: readonly FoundColumn[]): Promise<Table> {
    const order = keysOf(columns).map(quoted).join(", ");
    const found = (await sql(this.sound, `SELECT * FROM auditql.${quoted(name)} ORDER BY ${order}`)) as readonly Row[];
    const rows = found.map((row) => withNumbers(row, columns));
    return { name, columns, rows, attacked: attackedRows(name, rows, (row) => Number(row["leaf_index"])) };
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

async function areMade(url: string, changes: readonly Pick<Mutation, "sql" | "values">[]): Promise<boolean> {
  try {
    for (const { sql: text, values } of changes) await sql(url, text, values);
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && REFUSED.test(error.code ?? "")) return false;
    throw error;
  }
}

/** Keeps the rows of every table in a schema of their own; returns the statements that put them back. */
async function setAside(url: string): Promise<string> {
  const tables = (await sql(url, "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'auditql'")) as readonly {
    readonly name: string;
  }[];
  const names = tables.map(({ name }) => name);
  const aside = names.map((name) => `CREATE TABLE aside.${name} AS TABLE auditql.${name}`);
  await sql(url, ["CREATE SCHEMA aside", ...aside].join("; "));
  const truncated = `TRUNCATE ${names.map((name) => `auditql.${name}`).join(", ")}`;
  return [truncated, ...names.map((name) => `INSERT INTO auditql.${name} TABLE aside.${name}`)].join("; ");
}

interface FoundColumn extends Column {
  readonly table: string;
  readonly isBigint: boolean;
}

/** The driver gives a bigint as text, which is not changed as a number is. */
function withNumbers(row: Row, columns: readonly FoundColumn[]): Row {
  const bigints = new Set(columns.flatMap(({ column, isBigint }) => (isBigint ? [column] : [])));
  const number = (name: string, value: unknown): unknown =>
    value !== null && bigints.has(name) ? Number(value) : value;
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, number(name, value)]));
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
