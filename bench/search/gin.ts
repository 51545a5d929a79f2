import { readFileSync } from "node:fs";
import pg from "pg";
import { EVENT_FIELDS, fieldText, type FieldName } from "../../src/core/event.js";
import type { SegmentFilter } from "../../src/core/segment/filter.js";
import { KEY_COLUMNS } from "../../src/core/segment/format.js";
import type { LeafRange } from "../../src/core/tree.js";
import { eventOf, type IndexedEntry } from "../../src/core/words/entry-terms.js";
import { valueWords } from "../../src/core/words/words.js";
import { OwnPostgres } from "../../test/stores/postgres/server.js";
import { processorMicros } from "../machine.js";
import { valueToken } from "./fts5.js";

const KEYS = KEY_COLUMNS.map((field) => `"${field}"`);
/** So that no phrase reaches from one field into the next. */
const FIELD_GAP = 1_000;
const TICK_MICROS = 10_000;

/** A tsvector column under a GIN index over the same words, in a PostgreSQL of its own that does not wait for the disk. */
export class Gin {
  private constructor(
    private readonly server: OwnPostgres,
    private readonly client: pg.Client,
    private readonly pid: number,
  ) {}

  static async create(): Promise<Gin> {
    const settings = ["fsync=off", "autovacuum=off", "shared_buffers=512MB", "maintenance_work_mem=256MB"];
    const server = await OwnPostgres.start(undefined, [...settings, "max_wal_size=8GB", "jit=off"]);
    const client = new pg.Client({ connectionString: await server.newDatabase() });
    await client.connect();
    const columns = KEYS.map((name) => `${name} text COLLATE "C" NOT NULL`).join(", ");
    await client.query(`CREATE TABLE docs (id bigint PRIMARY KEY, words tsvector NOT NULL, ${columns})`);
    await client.query("CREATE INDEX docs_words ON docs USING gin (words)");
    await client.query("CREATE INDEX ON docs (actor, id); CREATE INDEX ON docs (timestamp, id)");
    const { rows } = await client.query<{ readonly pid: number }>("SELECT pg_backend_pid() AS pid");
    return new Gin(server, client, rows[0]?.pid ?? NaN);
  }

  /** Resolves to the microseconds of processor time of the words made here, and of the server's process that took them. */
  async add(start: number, entries: readonly IndexedEntry[]): Promise<number> {
    let rows: Row[] = [];
    const words = processorMicros(() => (rows = rowsOf(start, entries)));
    const columns = ["id", "words", ...KEYS].map((_, column) => rows.map((row) => row[column]));
    const types = ["bigint", "text", ...KEYS.map(() => "text")].map((type, at) => `$${at + 1}::${type}[]`);
    const names = KEYS.map((_, key) => `k${key}`).join(", ");
    const from = `unnest(${types.join(", ")}) AS row (id, words, ${names})`;
    return words + (await this.#spent(`INSERT INTO docs SELECT id, words::tsvector, ${names} FROM ${from}`, columns));
  }

  /** Ends what the index has put off, and lets the planner know the table; only the first is part of what it costs. */
  async finish(): Promise<number> {
    const spent = await this.#spent("SELECT gin_clean_pending_list('docs_words')", []);
    await this.client.query("VACUUM ANALYZE docs");
    return spent;
  }

  /** Bytes of the index alone. */
  async bytes(): Promise<number> {
    const { rows } = await this.client.query<{ readonly size: string }>(
      "SELECT pg_relation_size('docs_words') AS size",
    );
    return Number(rows[0]?.size);
  }

  async page(filter: SegmentFilter, { start, end }: LeafRange, order?: string): Promise<readonly number[]> {
    const by = order === undefined ? "id DESC" : `"${order}" DESC, id DESC`;
    const rows = await this.#rows(`SELECT id::int FROM docs WHERE ${matching(filter)} ORDER BY ${by} LIMIT 50`, [start, end]); // prettier-ignore
    return rows.map((row) => Number(row["id"]));
  }

  async count(filter: SegmentFilter, { start, end }: LeafRange): Promise<number> {
    const [row] = await this.#rows(`SELECT count(*)::int AS found FROM docs WHERE ${matching(filter)}`, [start, end]);
    return Number(row?.["found"]);
  }

  async close(): Promise<void> {
    await this.client.end();
    await this.server.close();
  }

  async #rows(sql: string, values: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await this.client.query<Record<string, unknown>>(sql, [...values])).rows;
  }

  async #spent(sql: string, values: readonly unknown[]): Promise<number> {
    const before = this.#ticks();
    await this.client.query(sql, [...values]);
    return (this.#ticks() - before) * TICK_MICROS;
  }

  #ticks(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return Number(fields[11]) + Number(fields[12]);
  }
}

type Row = readonly (number | string)[];

function rowsOf(start: number, entries: readonly IndexedEntry[]): Row[] {
  return entries.map(({ canonical }, place) => {
    const event = eventOf(canonical);
    const text = (field: FieldName): string => {
      const value = event?.[field];
      return value === undefined ? "" : fieldText(value);
    };
    const words = EVENT_FIELDS.map((field) => (event?.[field] === undefined ? [] : valueWords(event[field])));
    const tokens = EVENT_FIELDS.map((field) => valueLexeme(field, text(field)));
    return [start + place, vector(words, tokens), ...KEY_COLUMNS.map((field) => text(field).slice(0, 128))];
  });
}

/** The text of a tsvector. */
function vector(fields: readonly (readonly string[])[], tokens: readonly string[]): string {
  const places = new Map<string, number[]>();
  fields.forEach((words, field) => {
    words.forEach((word, place) => {
      const at = places.get(word) ?? [];
      places.set(word, at);
      at.push(1 + field * FIELD_GAP + Math.min(place, FIELD_GAP - 2));
    });
  });
  return [...places]
    .map(([word, at]) => `${lexeme(word)}:${at.join(",")}`)
    .concat(tokens)
    .join(" ");
}

const lexeme = (word: string): string => `'${word.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;

/** No word begins like it. */
const valueLexeme = (field: FieldName, value: string): string => lexeme(`=${valueToken(field, value)}`);

function matching(filter: SegmentFilter): string {
  const range = "id >= $1 AND id < $2";
  if (filter.kind === "all") return range;
  return `${range} AND words @@ '${expression(filter).replaceAll("'", "''")}'::tsquery`;
}

function expression(filter: SegmentFilter): string {
  switch (filter.kind) {
    case "phrase": {
      const words = filter.words.map(lexeme).join(" <-> ");
      return filter.prefix ? `${words}:*` : `(${words})`;
    }
    case "exact":
      return valueLexeme(filter.field, filter.value);
    case "and":
      return `(${filter.filters.map(expression).join(" & ")})`;
    case "or":
      return `(${filter.filters.map(expression).join(" | ")})`;
    case "not":
      return `!(${expression(filter.filter)})`;
    default:
      throw new TypeError(`no expression for ${filter.kind}`);
  }
}
