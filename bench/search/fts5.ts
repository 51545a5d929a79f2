import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EVENT_FIELDS, fieldText, type FieldName } from "../../src/core/event.js";
import type { SegmentFilter } from "../../src/core/segment/filter.js";
import { KEY_COLUMNS } from "../../src/core/segment/format.js";
import type { LeafRange } from "../../src/core/tree.js";
import { eventOf, type IndexedEntry } from "../../src/core/words/entry-terms.js";
import { valueWords } from "../../src/core/words/words.js";
import {
  loadSqliteDriver,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteStatement,
} from "../../src/stores/sqlite/driver.js";

const COLUMNS = EVENT_FIELDS.map((field) => `"${field}"`);
const KEYS = KEY_COLUMNS.map((field) => `"${field}"`);
const BATCH = 2_000;

/** SQLite's own full-text index over the same words, beside a table of sort keys: what segments are measured against. */
export class Fts5 {
  readonly #folder = mkdtempSync(join(tmpdir(), "auditql-fts5-"));

  readonly #database: SqliteDatabase;
  readonly #statements = new Map<string, SqliteStatement>();

  private constructor(open: SqliteDriver) {
    this.#database = open(join(this.#folder, "search.db"));
    this.#database.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;
      CREATE VIRTUAL TABLE search USING fts5(
        ${COLUMNS.join(", ")}, tokens, content='', columnsize=0, detail=full, tokenize='ascii');
      INSERT INTO search (search, rank) VALUES ('hashsize', ${16 * 2 ** 20}), ('automerge', 8);
      CREATE TABLE docs (id INTEGER PRIMARY KEY, ${KEYS.map((key) => `${key} TEXT NOT NULL`).join(", ")}) STRICT;
      CREATE INDEX docs_by_actor ON docs (actor, id);
      CREATE INDEX docs_by_timestamp ON docs (timestamp, id);`);
  }

  static async create(): Promise<Fts5> {
    return new Fts5(await loadSqliteDriver());
  }

  add(start: number, entries: readonly IndexedEntry[]): void {
    const values = (count: number): string => `VALUES (${Array<string>(count).fill("?").join(", ")})`;
    const search = this.#database.prepare(
      `INSERT INTO search (rowid, ${COLUMNS.join(", ")}, tokens) ${values(COLUMNS.length + 2)}`,
    );
    const docs = this.#database.prepare(`INSERT INTO docs (id, ${KEYS.join(", ")}) ${values(KEYS.length + 1)}`);
    entries.forEach(({ canonical, leafHash }, place) => {
      if (place % BATCH === 0) this.#database.exec(place === 0 ? "BEGIN" : "COMMIT; BEGIN");
      const event = eventOf(canonical);
      const words = EVENT_FIELDS.map((field) => {
        const value = event?.[field];
        return value === undefined ? null : valueWords(value).join(" ");
      });
      const text = (field: FieldName): string => {
        const value = event?.[field];
        return value === undefined ? "" : fieldText(value);
      };
      const tokens = EVENT_FIELDS.map((field) => valueToken(field, text(field)));
      const leaf = Buffer.from(leafHash.subarray(0, 8)).toString("hex");
      search.run(start + place, ...words, `every leaf${leaf} ${tokens.join(" ")}`);
      docs.run(start + place, ...KEY_COLUMNS.map((field) => text(field).slice(0, 128)));
    });
    this.#database.exec("COMMIT");
  }

  /** The newest matches, or the last of an order. */
  page(filter: SegmentFilter, range: LeafRange, order?: string): readonly number[] {
    const by = order === undefined ? "search.rowid DESC" : `docs."${order}" DESC, docs.id DESC`;
    const from = order === undefined ? "search" : "search JOIN docs ON docs.id = search.rowid";
    const [sql, match] =
      filter.kind === "all"
        ? [
            `SELECT id FROM docs WHERE id >= ? AND id < ? ORDER BY ${order === undefined ? "id" : `"${order}" DESC, id`} DESC LIMIT 50`,
            [],
          ]
        : [
            `SELECT search.rowid id FROM ${from} WHERE search MATCH ? AND search.rowid >= ? AND search.rowid < ? ORDER BY ${by} LIMIT 50`,
            [expression(filter)],
          ];
    return this.#all(sql, [...match, range.start, range.end]).map((row) => Number(row["id"]));
  }

  count(filter: SegmentFilter, range: LeafRange): number {
    const sql = "SELECT count(*) found FROM search WHERE search MATCH ? AND rowid >= ? AND rowid < ?";
    return Number(this.#all(sql, [expression(filter), range.start, range.end])[0]?.["found"]);
  }

  #all(sql: string, values: readonly (string | number)[]): readonly Readonly<Record<string, unknown>>[] {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement.all(...values);
  }

  close(): void {
    this.#database.close();
    rmSync(this.#folder, { recursive: true });
  }
}

/** One word for a whole value of a field. */
export function valueToken(field: FieldName, value: string): string {
  return `v${field.replace("_", "")}${Buffer.from(value).toString("hex").slice(0, 120)}`;
}

function expression(filter: SegmentFilter): string {
  switch (filter.kind) {
    case "phrase": {
      const text = `"${filter.words.join(" ")}"${filter.prefix ? " *" : ""}`;
      return `${filter.field === undefined ? "- tokens" : `"${filter.field}"`} : ${text}`;
    }
    case "exact":
      return `tokens : ${valueToken(filter.field, filter.value)}`;
    case "and":
      return `(${filter.filters.map(expression).join(" AND ")})`;
    case "or":
      return `(${filter.filters.map(expression).join(" OR ")})`;
    case "not":
      return `("every" NOT ${expression(filter.filter)})`;
    default:
      throw new TypeError(`no expression for ${filter.kind}`);
  }
}
