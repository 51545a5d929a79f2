import { AuditError, withOutcome, type WriteOutcome } from "../../audit/errors.js";
import type { AppendBatch, AppendOutcome, LogHead, LogStore, RequestReceipt } from "../../audit/store.js";
import { HASH_BYTES } from "../../core/bytes.js";
import { isStoredFormat, type StoredFormat } from "../../audit/log-declaration.js";
import type { SqliteDatabase, SqliteStatement, SqlRow, SqlValue } from "./driver.js";
import { mayBeCommitted, storeFailure } from "./failure.js";
import { inTransaction } from "./file.js";
import { LOG_STRIDE } from "./log-file.js";
import { bytesIn, integerIn, textIn } from "./row.js";
import type { WalDurability } from "./wal-durability.js";
import type { InWorker } from "./worker-calls.js";

/** A batch as it is posted to the writing thread: copying three arrays costs a tenth of copying an object per entry. */
export interface PackedBatch extends Omit<AppendBatch, "entries"> {
  readonly canonicals: readonly string[];
  readonly receivedAts: readonly string[];
  /** 32 bytes per entry. */
  readonly leafHashes: Uint8Array;
}

type Writes = InWorker<LogStore, "createLog" | "heads" | "headless" | "head" | "keepReceipts">;

/** The file's name in errors. */
export const LOG_SUBJECT = "the log file";

const SELECT_HEADS = `SELECT CAST(id AS BLOB) id, CAST(format AS BLOB) format, size, root_hash,
  CAST(checkpoint AS BLOB) checkpoint, CAST(last_received_at AS BLOB) last_received_at FROM logs`;

/** Steps from log to log by the primary key, which begins with it: one look-up for each. */
const logsOf = (table: string): string => `of_${table} (log) AS (
    SELECT min(log) FROM ${table}
    UNION ALL SELECT (SELECT min(log) FROM ${table} WHERE log > found.log) FROM of_${table} found WHERE log IS NOT NULL
  )`;

/** Numbers without a log: logs are numbered without gaps, and all stored data has the number of its log. */
const SELECT_HEADLESS = `
  WITH RECURSIVE
  numbered (log) AS (SELECT max(number) FROM logs UNION ALL SELECT log - 1 FROM numbered WHERE log > 1),
  of_entries (log) AS (
    SELECT (SELECT min(id) FROM entries) / ${LOG_STRIDE}
    UNION ALL SELECT (SELECT min(id) FROM entries WHERE id >= (log + 1) * ${LOG_STRIDE}) / ${LOG_STRIDE}
    FROM of_entries WHERE log IS NOT NULL
  ),
  ${logsOf("tiles")},
  ${logsOf("receipts")}
  SELECT log FROM (
    SELECT log FROM numbered UNION SELECT log FROM of_entries
    UNION SELECT log FROM of_tiles UNION SELECT log FROM of_receipts
  ) WHERE log IS NOT NULL AND log NOT IN (SELECT number FROM logs) ORDER BY log`;

/**
 * Writes the log file, in one transaction per batch. Heads are read here too, so that they include every earlier write.
 */
export class LogWriter implements Writes {
  readonly #database: SqliteDatabase;
  readonly #durability: WalDurability;
  readonly #selectHeads: SqliteStatement;
  readonly #selectHead: SqliteStatement;
  readonly #selectNumber: SqliteStatement;
  readonly #selectHeadless: SqliteStatement;
  readonly #insertLog: SqliteStatement;
  readonly #moveHead: SqliteStatement;
  readonly #insertEntry: SqliteStatement;
  readonly #insertTile: SqliteStatement;
  readonly #selectReceipt: SqliteStatement;
  readonly #insertReceipt: SqliteStatement;
  readonly #keepReceipt: SqliteStatement;

  /** `onClosed` is called when the file is no longer written. */
  constructor(
    database: SqliteDatabase,
    durability: WalDurability,
    private readonly onClosed: () => void = () => undefined,
  ) {
    this.#database = database;
    this.#durability = durability;
    this.#selectHeads = database.prepare(`${SELECT_HEADS} ORDER BY number`);
    this.#selectHead = database.prepare(`${SELECT_HEADS} WHERE id = ?`);
    this.#selectNumber = database.prepare(
      "SELECT number FROM logs WHERE id = ? AND size = ? AND root_hash = coalesce(?, root_hash)",
    );
    this.#selectHeadless = database.prepare(SELECT_HEADLESS);
    this.#insertLog = database.prepare(
      `INSERT INTO logs (id, format, size, root_hash, checkpoint, last_received_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
    );
    this.#moveHead = database.prepare(
      "UPDATE logs SET size = ?, root_hash = ?, checkpoint = ?, last_received_at = ? WHERE number = ?",
    );
    this.#insertEntry = database.prepare("INSERT INTO entries VALUES (?, ?, ?, ?)");
    this.#insertTile = database.prepare("INSERT INTO tiles VALUES (?, ?, ?, ?)");
    this.#selectReceipt = database.prepare("SELECT 1 FROM receipts WHERE log = ? AND key = ?");
    this.#insertReceipt = database.prepare("INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#keepReceipt = database.prepare(
      "INSERT INTO receipts SELECT number, ?, ?, ?, ?, ?, ? FROM logs WHERE id = ? ON CONFLICT (log, key) DO NOTHING",
    );
  }

  /** A log without its head has no id, so while there is one, no log can be created. */
  createLog(initial: LogHead): LogHead {
    const { log, format, size, rootHash, checkpoint, lastReceivedAt } = initial;
    if (this.head(log) === undefined && this.#selectHeadless.all().length > 0) {
      throw new AuditError(
        "LOG_CORRUPT",
        `The log ${log} cannot be created: ${LOG_SUBJECT} has lost the head of a log.`,
      );
    }
    this.#insertLog.run(log, format, size, rootHash, checkpoint, lastReceivedAt);
    return this.head(log) ?? initial;
  }

  heads(): readonly LogHead[] {
    return this.#selectHeads.all().map(headOf);
  }

  headless(): readonly string[] {
    return this.#selectHeadless.all().map((row) => `log number ${integerIn(row, "log")}`);
  }

  head(log: string): LogHead | undefined {
    return this.#selectHead.all(log).map(headOf)[0];
  }

  append(batch: PackedBatch): AppendOutcome {
    return this.write(() => {
      const [row] = this.#selectNumber.all(batch.log, batch.expectedSize, batch.expectedRoot ?? null);
      if (row === undefined) return { kind: "conflict" };
      const number = integerIn(row, "number");
      if (this.#isRepeated(number, batch)) return { kind: "repeated" };
      this.#write(number, batch);
      return { kind: "appended" };
    });
  }

  /** Throws UNAVAILABLE when what is shown cannot be synced to disk now. */
  confirm(): void {
    try {
      this.#durability.ensure();
    } catch (error) {
      throw storeFailure(error, LOG_SUBJECT);
    }
  }

  /**
   * A transaction that may be acknowledged when this returns, whatever it read. Throws UNAVAILABLE, whose outcome says
   * whether the transaction may still be found in the file later.
   */
  write<T>(work: () => T): T {
    let outcome: WriteOutcome = "NONE";
    try {
      this.#durability.ensure();
      return inTransaction(this.#database, work, (error) => {
        if (!mayBeCommitted(error)) return;
        outcome = "UNKNOWN";
        this.#durability.doubt();
      });
    } catch (error) {
      throw withOutcome(storeFailure(error, LOG_SUBJECT), outcome);
    }
  }

  keepReceipts(log: string, receipts: readonly RequestReceipt[]): void {
    this.write(() => {
      for (const receipt of receipts) this.#keepReceipt.run(...receiptValues(receipt), log);
    });
  }

  /** Moves the WAL into the file, so that the file alone is a complete copy once the process has ended. */
  close(): void {
    this.#database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
    this.#database.close();
    this.onClosed();
  }

  #isRepeated(number: number, { receipts = [] }: PackedBatch): boolean {
    return receipts.some(({ key }) => this.#selectReceipt.all(number, key).length > 0);
  }

  #write(number: number, batch: PackedBatch): void {
    this.#insertEntries(number * LOG_STRIDE + batch.expectedSize, batch);
    for (const { id, bytes } of batch.tiles) this.#insertTile.run(number, id.level, id.index, bytes);
    const size = batch.expectedSize + batch.canonicals.length;
    for (const receipt of batch.receipts ?? []) this.#insertReceipt.run(number, ...receiptValues(receipt));
    this.#moveHead.run(size, batch.rootHash, batch.checkpoint, batch.receivedAts.at(-1) ?? "", number);
  }

  #insertEntries(firstId: number, { canonicals, receivedAts, leafHashes }: PackedBatch): void {
    canonicals.forEach((canonical, place) => {
      const leafHash = leafHashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES);
      this.#insertEntry.run(firstId + place, receivedAts[place] ?? "", leafHash, canonical);
    });
  }
}

function receiptValues({ key, requestDigest, firstIndex, count, treeSize, seal }: RequestReceipt): readonly SqlValue[] {
  return [key, requestDigest, firstIndex, count, treeSize, seal ?? null];
}

function headOf(row: SqlRow): LogHead {
  return {
    log: textIn(row, "id"),
    format: formatNamed(textIn(row, "format")),
    size: integerIn(row, "size"),
    rootHash: bytesIn(row, "root_hash"),
    checkpoint: textIn(row, "checkpoint"),
    lastReceivedAt: textIn(row, "last_received_at"),
  };
}

function formatNamed(name: string): StoredFormat {
  if (!isStoredFormat(name)) throw new TypeError(`unknown log format ${JSON.stringify(name)}`);
  return name;
}
