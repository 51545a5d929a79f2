import {
  storedEnd,
  type BulkClaim,
  type BulkEnd,
  type BulkPlace,
  type ClaimedBulk,
  type EnqueueOutcome,
  type KeptBulk,
  type NewBulk,
  type StoredBulk,
} from "../../audit/bulk-queue.js";
import type { SqliteDatabase, SqliteStatement, SqlRow } from "./driver.js";
import { inTransaction } from "./file.js";
import { bytesIn, integerIn, optionalBytesIn, textIn } from "./row.js";
import type { CallsOf } from "./worker-calls.js";

/** The calls of BulkQueue, as the log's writing thread answers them. */
export interface BulkTableProtocol {
  readonly enqueueBulk: { readonly request: BoundedBulk; readonly reply: EnqueueOutcome };
  readonly claimBulks: { readonly request: BulkClaim; readonly reply: readonly ClaimedBulk[] };
  readonly finishBulk: { readonly request: BulkPlace & BulkEnd; readonly reply: undefined };
  readonly findBulk: { readonly request: OwnedPlace; readonly reply: StoredBulk | undefined };
  readonly listBulks: {
    readonly request: BulkPlace & { readonly limit: number };
    readonly reply: readonly KeptBulk[];
  };
  readonly waitingBulkBytes: { readonly request: string; readonly reply: number };
  readonly removeExpiredBulks: { readonly request: number; readonly reply: undefined };
}

export interface BoundedBulk extends NewBulk {
  readonly maxWaitingBytes: number;
}

export interface OwnedPlace extends BulkPlace {
  readonly owner: string;
}

const STORED = `CAST(log AS BLOB) log, CAST(name AS BLOB) name, CAST(owner AS BLOB) owner, request_digest, bytes,
  accepted_at_ms, seal, CAST(outcome AS BLOB) outcome, expires_at_ms`;
const SELECT_KEPT = `SELECT ${STORED}, CAST(body AS BLOB) body FROM bulks`;
const SELECT_STORED = `SELECT ${STORED} FROM bulks`;
/** Nothing to compare with (null) where none of the log waits: then there is room for any. */
const HAS_ROOM = "coalesce((SELECT sum(bytes) FROM bulks WHERE log = ? AND outcome IS NULL) + ? <= ?, TRUE)";
const SELECT_WAITING = "SELECT coalesce(sum(bytes), 0) waiting FROM bulks WHERE log = ? AND outcome IS NULL";
const UNFINISHED = "outcome IS NULL AND held_until_ms <= ?";

/** The queue of bulk requests, a table of the log file: what is accepted is as durable as what is logged. */
export class BulkTable implements CallsOf<BulkTableProtocol> {
  readonly #database: SqliteDatabase;
  readonly #insert: SqliteStatement;
  readonly #select: SqliteStatement;
  readonly #selectFree: SqliteStatement;
  readonly #hold: SqliteStatement;
  readonly #finish: SqliteStatement;
  readonly #selectBehind: SqliteStatement;
  readonly #selectWaiting: SqliteStatement;
  readonly #delete: SqliteStatement;

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#insert = database.prepare(
      `INSERT INTO bulks (log, name, owner, request_digest, body, bytes, accepted_at_ms, seal, held_until_ms)
       SELECT ?, ?, ?, ?, ?, ?, ?, ?, 0 WHERE ${HAS_ROOM} ON CONFLICT (log, name) DO NOTHING`,
    );
    this.#select = database.prepare(`${SELECT_STORED} WHERE log = ? AND name = ? AND owner = ?`);
    this.#selectFree = database.prepare(
      `${SELECT_KEPT}
       WHERE ${UNFINISHED} AND log IN (SELECT value FROM json_each(?)) ORDER BY accepted_at_ms, number LIMIT CAST(? AS INTEGER)`,
    );
    this.#hold = database.prepare("UPDATE bulks SET held_until_ms = ? WHERE log = ? AND name = ?");
    this.#finish = database.prepare(
      "UPDATE bulks SET outcome = ?, expires_at_ms = ?, body = '' WHERE log = ? AND name = ? AND outcome IS NULL",
    );
    this.#selectBehind = database.prepare(
      `${SELECT_KEPT} WHERE log = ? AND name > ? ORDER BY name LIMIT CAST(? AS INTEGER)`,
    );
    this.#selectWaiting = database.prepare(SELECT_WAITING);
    this.#delete = database.prepare("DELETE FROM bulks WHERE outcome IS NOT NULL AND expires_at_ms <= ?");
  }

  enqueueBulk(bulk: BoundedBulk): EnqueueOutcome {
    const { log, name, owner, requestDigest, body, bytes, acceptedAtMs, seal, maxWaitingBytes } = bulk;
    const row = [log, name, owner, requestDigest, body, bytes, acceptedAtMs, seal ?? null];
    this.#insert.run(...row, log, bytes, maxWaitingBytes);
    const stored = this.findBulk(bulk);
    return stored === undefined ? { kind: "full" } : { kind: "queued", stored };
  }

  claimBulks({ logs, nowMs, heldUntilMs, limit }: BulkClaim): readonly ClaimedBulk[] {
    return inTransaction(this.#database, () => {
      const claimed = this.#selectFree.all(nowMs, JSON.stringify(logs), limit).map(claimedIn);
      for (const { log, name } of claimed) this.#hold.run(heldUntilMs, log, name);
      return claimed;
    });
  }

  finishBulk({ log, name, outcome, expiresAtMs }: BulkPlace & BulkEnd): undefined {
    this.#finish.run(outcome, expiresAtMs, log, name);
  }

  findBulk({ log, name, owner }: OwnedPlace): StoredBulk | undefined {
    const [row] = this.#select.all(log, name, owner);
    return row && storedIn(row);
  }

  listBulks({ log, name, limit }: BulkPlace & { readonly limit: number }): readonly KeptBulk[] {
    return this.#selectBehind.all(log, name, limit).map(keptIn);
  }

  waitingBulkBytes(log: string): number {
    return this.#selectWaiting.all(log).reduce((sum, row) => sum + integerIn(row, "waiting"), 0);
  }

  removeExpiredBulks(nowMs: number): undefined {
    this.#delete.run(nowMs);
  }
}

function claimedIn(row: SqlRow): ClaimedBulk {
  return { ...acceptedIn(row), body: textIn(row, "body") };
}

function keptIn(row: SqlRow): KeptBulk {
  return { ...claimedIn(row), end: endIn(row) };
}

function storedIn(row: SqlRow): StoredBulk {
  return { ...acceptedIn(row), end: endIn(row) };
}

function acceptedIn(row: SqlRow): Omit<NewBulk, "body"> {
  return {
    log: textIn(row, "log"),
    name: textIn(row, "name"),
    owner: textIn(row, "owner"),
    requestDigest: bytesIn(row, "request_digest"),
    bytes: integerIn(row, "bytes"),
    acceptedAtMs: integerIn(row, "accepted_at_ms"),
    seal: optionalBytesIn(row, "seal"),
  };
}

function endIn(row: SqlRow): BulkEnd | undefined {
  const outcome = row["outcome"] === null ? null : textIn(row, "outcome");
  return storedEnd(outcome, row["expires_at_ms"] === null ? null : integerIn(row, "expires_at_ms"));
}
