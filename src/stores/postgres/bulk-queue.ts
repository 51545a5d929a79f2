import {
  storedEnd,
  type BulkClaim,
  type BulkEnd,
  type BulkPlace,
  type BulkQueue,
  type ClaimedBulk,
  type EnqueueOutcome,
  type KeptBulk,
  type NewBulk,
  type StoredBulk,
} from "../../audit/bulk-queue.js";
import { AuditError } from "../../audit/errors.js";
import { Confirmation } from "./confirmation.js";
import type { Database } from "./database.js";
import type { Statement } from "./transaction.js";

/** A row without its body. */
interface BulkRow extends Omit<StoredBulk, "end" | "seal"> {
  readonly seal: Uint8Array | null;
  readonly outcome: string | null;
  readonly expiresAtMs: number | null;
}

const COLUMNS = `
  bulk.log, bulk.name, bulk.owner, bulk.request_digest AS "requestDigest", bulk.bytes,
  bulk.accepted_at_ms AS "acceptedAtMs", bulk.seal, bulk.outcome, bulk.expires_at_ms AS "expiresAtMs"`;

/** The sum is null where none of the log waits: then there is room for any. */
const ENQUEUE: Statement<{ readonly name: string }> = {
  name: "bulk-enqueue",
  text: `
    INSERT INTO auditql.bulks (log, name, owner, request_digest, body, bytes, accepted_at_ms, seal, held_until_ms)
    SELECT $1::text, $2::text, $3::text, $4::bytea, $5::text, $6::integer, $7::bigint, $9::bytea, 0
    WHERE coalesce(
      (SELECT sum(bytes) FROM auditql.bulks WHERE log = $1::text AND outcome IS NULL) + $6::integer <= $8::bigint, TRUE)
    ON CONFLICT (log, name) DO NOTHING RETURNING name`,
};

/** Gateways that look at once skip what another one is just taking. */
const CLAIM: Statement<BulkRow & { readonly body: string }> = {
  name: "bulk-claim",
  text: `
    WITH free AS (
      SELECT log, name FROM auditql.bulks WHERE outcome IS NULL AND held_until_ms <= $1 AND log = ANY($4::text[])
      ORDER BY accepted_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    UPDATE auditql.bulks AS bulk SET held_until_ms = $2 FROM free
    WHERE bulk.log = free.log AND bulk.name = free.name
    RETURNING bulk.body, ${COLUMNS}`,
};

const FINISH: Statement<never> = {
  name: "bulk-finish",
  text: `
    UPDATE auditql.bulks SET outcome = $3, expires_at_ms = $4, body = ''
    WHERE log = $1 AND name = $2 AND outcome IS NULL`,
};

const FIND: Statement<BulkRow> = {
  name: "bulk-find",
  text: `SELECT ${COLUMNS} FROM auditql.bulks AS bulk WHERE log = $1 AND name = $2 AND owner = $3`,
};

const LIST_BEHIND: Statement<BulkRow & { readonly body: string }> = {
  name: "bulk-list-behind",
  text: `
    SELECT body, ${COLUMNS}
    FROM auditql.bulks AS bulk WHERE log = $1 AND name > $2 ORDER BY name LIMIT $3`,
};

const WAITING: Statement<{ readonly waiting: number }> = {
  name: "bulk-waiting",
  text: `
    SELECT coalesce(sum(bytes), 0)::bigint AS waiting FROM auditql.bulks WHERE log = $1 AND outcome IS NULL`,
};

const REMOVE_EXPIRED: Statement<never> = {
  name: "bulk-remove-expired",
  text: "DELETE FROM auditql.bulks WHERE outcome IS NOT NULL AND expires_at_ms <= $1",
};

const LOST = "The database that confirmed the request does not hold it: a failover took place. Try again.";
const RETRY_AFTER_MS = 1_000;

/** Keeps bulk requests in a table beside the logs; any gateway executes what any other has accepted. */
export class PostgresBulkQueue implements BulkQueue {
  readonly #database: Database;
  readonly #confirmation: Confirmation;

  /** `confirmMs`: as Confirmation. */
  constructor(database: Database, confirmMs?: number) {
    this.#database = database;
    this.#confirmation = new Confirmation(database, confirmMs);
  }

  async enqueue(bulk: NewBulk, maxWaitingBytes: number): Promise<EnqueueOutcome> {
    const { body, ...accepted } = bulk;
    const { log, name, owner, requestDigest, bytes, acceptedAtMs, seal } = accepted;
    const row = [log, name, owner, requestDigest, body, bytes, acceptedAtMs];
    const [inserted] = await this.#database.write(ENQUEUE, [...row, maxWaitingBytes, seal ?? null]);
    if (inserted) return { kind: "queued", stored: { ...accepted, end: undefined } };
    if ((await this.find(bulk, owner)) === undefined) return { kind: "full" };
    await this.#confirmation.confirm(log); // it was found there: visible, and not therefore durable
    const stored = await this.find(bulk, owner);
    if (stored === undefined)
      throw new AuditError("UNAVAILABLE", LOST, { retryAfterMs: RETRY_AFTER_MS, outcome: "NONE" });
    return { kind: "queued", stored };
  }

  async claim({ logs, nowMs, heldUntilMs, limit }: BulkClaim): Promise<readonly ClaimedBulk[]> {
    const rows = await this.#database.rows(CLAIM, [nowMs, heldUntilMs, limit, logs]);
    const claimed = rows.map(({ body, ...row }) => ({ ...acceptedIn(row), body }));
    return claimed.sort((a, b) => a.acceptedAtMs - b.acceptedAtMs);
  }

  async finish({ log, name }: BulkPlace, { outcome, expiresAtMs }: BulkEnd): Promise<void> {
    await this.#database.rows(FINISH, [log, name, outcome, expiresAtMs]);
  }

  async find({ log, name }: BulkPlace, owner: string): Promise<StoredBulk | undefined> {
    const [row] = await this.#database.rows(FIND, [log, name, owner]);
    return row && { ...acceptedIn(row), end: storedEnd(row.outcome, row.expiresAtMs) };
  }

  async listBehind({ log, name }: BulkPlace, limit: number): Promise<readonly KeptBulk[]> {
    const rows = await this.#database.rows(LIST_BEHIND, [log, name, limit]);
    return rows.map(({ body, ...row }) => ({ ...acceptedIn(row), body, end: storedEnd(row.outcome, row.expiresAtMs) }));
  }

  async waitingBytes(log: string): Promise<number> {
    const [row] = await this.#database.rows(WAITING, [log]);
    return row?.waiting ?? 0;
  }

  async removeExpired(nowMs: number): Promise<void> {
    await this.#database.rows(REMOVE_EXPIRED, [nowMs]);
  }
}

function acceptedIn({ log, name, owner, requestDigest, bytes, acceptedAtMs, seal }: BulkRow): Omit<NewBulk, "body"> {
  return { log, name, owner, requestDigest, bytes, acceptedAtMs, seal: seal ?? undefined };
}
