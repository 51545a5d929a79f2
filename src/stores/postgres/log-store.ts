import type {
  AppendBatch,
  AppendOutcome,
  Confirmed,
  LogHead,
  LogReads,
  LogStore,
  RequestReceipt,
} from "../../audit/store.js";
import { AuditError } from "../../audit/errors.js";
import { appendOutcome } from "./append.js";
import { Confirmation, HEAD_COLUMNS } from "./confirmation.js";
import type { Database } from "./database.js";
import { PostgresLogReads } from "./log-reads.js";
import { PostgresReceipts } from "./receipts.js";
import type { Statement } from "./transaction.js";
import { Turns } from "./turns.js";

const HEADS: Statement<LogHead> = { name: "heads", text: `SELECT ${HEAD_COLUMNS} FROM auditql.heads ORDER BY log` };

/** Tables that may hold data of a log without its head. */
const TABLES_OF_A_LOG = ["entries", "tiles", "receipts"];
const isIn = (table: string): string => `EXISTS (SELECT FROM auditql.${table} WHERE log = $1::text)`;

const CREATE_LOG: Statement<never> = {
  name: "create-log",
  text: `
    INSERT INTO auditql.heads (log, format, size, root_hash, checkpoint, last_received_at)
    SELECT $1::text, $2::text, $3::bigint, $4::bytea, $5::text, $6::text
    WHERE NOT (${TABLES_OF_A_LOG.map(isIn).join(" OR ")}) ON CONFLICT (log) DO NOTHING`,
};

/** Steps from log to log by the primary key, which begins with it: one look-up for each. */
const logsOf = (table: string): string => `(
    WITH RECURSIVE found (log) AS (
      SELECT min(log) FROM auditql.${table}
      UNION ALL
      SELECT (SELECT min(log) FROM auditql.${table} WHERE log > found.log) FROM found WHERE found.log IS NOT NULL
    )
    SELECT log FROM found WHERE log IS NOT NULL)`;

const HEADLESS: Statement<{ readonly log: string }> = {
  name: "headless",
  text: `
    SELECT log FROM (${TABLES_OF_A_LOG.map(logsOf).join(" UNION ")}) AS stored
    WHERE NOT EXISTS (SELECT FROM auditql.heads WHERE heads.log = stored.log) ORDER BY log`,
};

/**
 * A binary search with one primary key look-up per step, in one round trip: received_at never decreases along the log.
 */
const FIRST_AT_OR_AFTER: Statement<{ readonly found: number }> = {
  name: "first-at-or-after",
  text: `
    WITH RECURSIVE search (low, high) AS (
      SELECT 0::bigint, least($3::bigint, size) FROM auditql.heads WHERE log = $1
      UNION ALL
      SELECT
        CASE WHEN entry.received_at < $2 THEN entry.leaf_index + 1 ELSE search.low END,
        CASE WHEN entry.received_at < $2 THEN search.high ELSE entry.leaf_index END
      FROM search JOIN auditql.entries AS entry
      ON entry.log = $1 AND entry.leaf_index = (search.low + search.high) / 2
      WHERE search.low < search.high
    )
    SELECT low AS found FROM search WHERE low = high`,
};

/** Keeps logs in PostgreSQL; any number of gateways may read and append to the same ones. */
export class PostgresLogStore extends PostgresLogReads implements LogStore {
  readonly #database: Database;
  readonly #receipts: PostgresReceipts;
  readonly #turns: Turns;
  readonly #confirmation: Confirmation;

  /**
   * `holdMs`: how long others wait for a gateway that has the turn and does not append. Default 300. `confirmMs`: see
   * Confirmation.
   */
  constructor(database: Database, holdMs?: number, confirmMs?: number) {
    super(database);
    this.#database = database;
    this.#receipts = new PostgresReceipts(database);
    this.#turns = new Turns(database, holdMs);
    this.#confirmation = new Confirmation(database, confirmMs);
  }

  /** An existing log is only read, so gateways also start on a read-only database. */
  async createLog(initial: LogHead): Promise<LogHead> {
    return (await this.head(initial.log)) ?? this.#create(initial);
  }

  async heads(): Promise<readonly LogHead[]> {
    return this.#database.rows(HEADS, []);
  }

  async headless(): Promise<readonly string[]> {
    return (await this.#database.rows(HEADLESS, [])).map(({ log }) => log);
  }

  turn(log: string, size: number): Promise<LogReads | undefined> {
    return this.#turns.take(log, size);
  }

  append(batch: AppendBatch): Promise<AppendOutcome> {
    return appendOutcome(this.#turns.append(batch));
  }

  confirm(log: string): Promise<Confirmed> {
    return this.#confirmation.confirm(log);
  }

  snapshot<Result>(look: (reads: LogReads) => Promise<Result>): Promise<Result> {
    return this.#database.snapshot((session) => look(new PostgresLogReads(session)));
  }

  receipts(log: string, keys: readonly Uint8Array[]): Promise<readonly (RequestReceipt | undefined)[]> {
    return this.#receipts.find(log, keys);
  }

  receiptsBehind(log: string, key: Uint8Array, limit: number): Promise<readonly RequestReceipt[]> {
    return this.#receipts.behind(log, key, limit);
  }

  keepReceipts(log: string, receipts: readonly RequestReceipt[]): Promise<void> {
    return this.#receipts.keep(log, receipts);
  }

  async firstAtOrAfter(log: string, receivedAt: string, size: number): Promise<number> {
    const [row] = await this.#database.rows(FIRST_AT_OR_AFTER, [log, receivedAt, size]);
    return row?.found ?? 0;
  }

  async close(): Promise<void> {
    await this.#turns.close();
    await this.#database.close();
  }

  async #create(initial: LogHead): Promise<LogHead> {
    const { log, format, size, rootHash, checkpoint, lastReceivedAt } = initial;
    await this.#database.rows(CREATE_LOG, [log, format, size, rootHash, checkpoint, lastReceivedAt]);
    const created = await this.head(log);
    if (created !== undefined) return created;
    throw new AuditError(
      "LOG_CORRUPT",
      `The log ${log} cannot be created: the database holds its data, but has lost its head.`,
    );
  }
}
