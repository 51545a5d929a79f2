import pg from "pg";
import { openPostgres } from "../../src/stores/postgres/open.js";
import { somePostgres, sql, type PostgresServer } from "../stores/postgres/server.js";
import type { AttackedStore } from "./attack-contract.js";
import { ATTACKED_ENTRIES, ATTACKED_ROWS, examine, fillAttackedLog, honest } from "./attacked-log.js";
import type { Answers, Examined } from "./attacked-log.js";
import { quoted, type Column, type Mutation, type Row, type Table } from "./mutations.js";

/** SQLSTATE 22 and 23: a value that the type does not have, or that a constraint forbids. */
const REFUSED = /^2[23]/;

/** A log in a database, which stays as it was filled: each change is made in a copy, of which it is the template. */
export class PostgresAttack implements AttackedStore {
  readonly dialect = { table: (name: string) => `auditql.${quoted(name)}`, parameter: (nth: number) => `$${nth}` };

  private constructor(
    private readonly server: PostgresServer,
    private readonly sound: string,
    readonly right: Answers,
  ) {}

  static async start(): Promise<PostgresAttack> {
    const server = await somePostgres();
    try {
      const sound = await server.newDatabase();
      const store = await openPostgres({ url: sound });
      await fillAttackedLog(store);
      await store.index.close();
      await store.log.close();
      const right = honest(await new PostgresAttack(server, sound, {}).change([]));
      return new PostgresAttack(server, sound, right);
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
    const copy = await this.server.newDatabase(nameOf(this.sound));
    try {
      for (const { sql: text, values } of changes) await sql(copy, text, values);
      return await examined(copy);
    } catch (error) {
      if (error instanceof pg.DatabaseError && REFUSED.test(error.code ?? "")) return undefined;
      throw error;
    } finally {
      await sql(this.sound.replace(/[^/]+$/, "postgres"), `DROP DATABASE ${nameOf(copy)} WITH (FORCE)`);
    }
  }

  /** Every table of the schema, as the database itself lists them. */
  async tables(): Promise<readonly Table[]> {
    const found = await sql(
      this.sound,
      `SELECT c.table_name AS table, c.column_name AS column, c.is_nullable = 'YES' AS "isNullable", EXISTS (
         SELECT FROM information_schema.table_constraints t
         JOIN information_schema.key_column_usage k USING (constraint_schema, constraint_name)
         WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_schema = c.table_schema
           AND k.table_name = c.table_name AND k.column_name = c.column_name) AS "isKey"
       FROM information_schema.columns c WHERE c.table_schema = 'auditql' ORDER BY c.table_name, c.ordinal_position`,
    );
    const columns = found as readonly (Column & { readonly isKey: boolean })[];
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

  async #table(name: string, columns: readonly (Column & { readonly isKey: boolean })[]): Promise<Table> {
    const primary = columns.flatMap(({ column, isKey }) => (isKey ? [column] : []));
    const keys = primary.length > 0 ? primary : columns.map(({ column }) => column);
    const order = keys.map(quoted).join(", ");
    const rows = (await sql(this.sound, `SELECT * FROM auditql.${quoted(name)} ORDER BY ${order}`)) as readonly Row[];
    const isAttacked = (row: Row, place: number): boolean =>
      name === "entries" ? ATTACKED_ENTRIES.includes(Number(row["leaf_index"])) : place < ATTACKED_ROWS;
    return { name, columns, keys, rows, attacked: rows.filter(isAttacked) };
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

async function examined(url: string): Promise<Examined> {
  try {
    const store = await openPostgres({ url });
    try {
      return await examine(store);
    } finally {
      await store.index.close();
      await store.log.close();
    }
  } catch (error) {
    return { findings: [String(error)], alarms: [], answers: { opening: `refused: ${String(error)}` } };
  }
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
