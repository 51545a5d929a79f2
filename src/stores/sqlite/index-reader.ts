import { rangeBehind, type IndexQuery, type SearchIndex, type Slice } from "../../audit/search-index.js";
import type { SqliteDatabase, SqliteStatement, SqlRow, SqlValue } from "./driver.js";
import {
  ALL_MATCHES,
  COUNT_EVERYTHING,
  COUNT_MATCHES,
  pageOfEverything,
  pageOfMatches,
  sortKeyOf,
} from "./index-sql.js";
import { leafToken } from "./index-token.js";
import { LOG_STRIDE } from "./log-file.js";
import { compileFilter } from "./match-expression.js";
import { integerIn, textIn } from "./row.js";
import type { InWorker } from "./worker-calls.js";

/** Runs searches on a connection of its own, so that searches and indexing do not wait for each other. */
export class IndexReader implements InWorker<SearchIndex, "page" | "count" | "leavesByHash"> {
  readonly #database: SqliteDatabase;
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  page(query: IndexQuery, slice: Slice): readonly number[] {
    const { offset = 0, limit } = slice;
    const [within, place] = this.#behind(query, slice.after);
    const { order, range } = within;
    const span = { entries: range.end - range.start, isBehind: place.length > 0 };
    const sql = { matches: pageOfMatches(order, span), everything: pageOfEverything(order, span) };
    return this.#answer(within, sql, [...place, limit, offset]).map(
      ({ row, firstId }) => integerIn(row, "id") - firstId,
    );
  }

  count(query: IndexQuery, cap: number): number {
    const [answer] = this.#answer(query, { matches: COUNT_MATCHES, everything: COUNT_EVERYTHING }, [cap]);
    return answer === undefined ? 0 : integerIn(answer.row, "matches");
  }

  leavesByHash(log: string, leafHash: Uint8Array, size: number): readonly number[] {
    const firstId = this.#firstId(log);
    if (firstId === undefined) return [];
    const rows = this.#all(ALL_MATCHES, [`"${leafToken(leafHash)}"`, firstId, firstId + size]);
    return rows.map((row) => integerIn(row, "id") - firstId);
  }

  close(): void {
    this.#database.close();
  }

  /** What is left of a query behind a leaf: less of its range, or all of it from a place in the order of its field. */
  #behind(query: IndexQuery, leafIndex: number | undefined): readonly [IndexQuery, readonly SqlValue[]] {
    if (leafIndex === undefined) return [query, []];
    const { field } = query.order;
    if (field === "received_at") return [{ ...query, range: rangeBehind(query, leafIndex) }, []];
    const id = (this.#firstId(query.log) ?? 0) + leafIndex;
    const [doc] = this.#all(sortKeyOf(field), [id]);
    return [query, [doc === undefined ? "" : textIn(doc, "key"), id]];
  }

  /** The rows of one of two statements: the one that fits the filter. None where nothing can match. */
  #answer({ log, filter, range }: IndexQuery, sql: Statements, more: readonly SqlValue[]): readonly Answer[] {
    const compiled = compileFilter(filter);
    const firstId = this.#firstId(log);
    if (firstId === undefined || compiled.kind === "none") return [];
    const bounds = [firstId + range.start, firstId + range.end, ...more];
    const rows =
      compiled.kind === "every"
        ? this.#all(sql.everything, bounds)
        : this.#all(sql.matches, [compiled.expression, ...bounds]);
    return rows.map((row) => ({ row, firstId }));
  }

  /** Undefined while nothing of the log is indexed. Read every time: one row by its key. */
  #firstId(log: string): number | undefined {
    const [row] = this.#all("SELECT number FROM logs WHERE id = ?", [log]);
    return row && integerIn(row, "number") * LOG_STRIDE;
  }

  #all(sql: string, values: readonly SqlValue[]): readonly SqlRow[] {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement.all(...values);
  }
}

interface Statements {
  readonly matches: string;
  readonly everything: string;
}

interface Answer {
  readonly row: SqlRow;
  readonly firstId: number;
}
