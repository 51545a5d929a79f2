import type {
  BulkClaim,
  BulkEnd,
  BulkPlace,
  BulkQueue,
  ClaimedBulk,
  NewBulk,
  StoredBulk,
} from "../../audit/bulk-queue.js";
import type { Database } from "./database.js";
import type { Statement } from "./transaction.js";

const ENQUEUE: Statement<never> = {
  name: "bulk-enqueue",
  text: `
    INSERT INTO auditql.bulks (log, name, owner, request_digest, body, accepted_at_ms, held_until_ms)
    VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (log, name) DO NOTHING`,
};

/** Gateways that look at once skip what another one is just taking. */
const CLAIM: Statement<ClaimedBulk & { readonly acceptedAtMs: number }> = {
  name: "bulk-claim",
  text: `
    WITH free AS (
      SELECT log, name FROM auditql.bulks WHERE outcome IS NULL AND held_until_ms <= $1
      ORDER BY accepted_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    UPDATE auditql.bulks AS bulk SET held_until_ms = $2 FROM free
    WHERE bulk.log = free.log AND bulk.name = free.name
    RETURNING bulk.log, bulk.name, bulk.body, bulk.accepted_at_ms AS "acceptedAtMs"`,
};

const FINISH: Statement<never> = {
  name: "bulk-finish",
  text: `
    UPDATE auditql.bulks SET outcome = $3, expires_at_ms = $4, body = ''
    WHERE log = $1 AND name = $2 AND outcome IS NULL`,
};

interface BulkRow {
  readonly requestDigest: Uint8Array;
  readonly outcome: string | null;
  readonly expiresAtMs: number | null;
}

const FIND: Statement<BulkRow> = {
  name: "bulk-find",
  text: `
    SELECT request_digest AS "requestDigest", outcome, expires_at_ms AS "expiresAtMs"
    FROM auditql.bulks WHERE log = $1 AND name = $2 AND owner = $3`,
};

const REMOVE_EXPIRED: Statement<never> = {
  name: "bulk-remove-expired",
  text: "DELETE FROM auditql.bulks WHERE expires_at_ms <= $1",
};

/** Keeps bulk requests in a table beside the logs; any gateway executes what any other has accepted. */
export class PostgresBulkQueue implements BulkQueue {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async enqueue(bulk: NewBulk): Promise<StoredBulk> {
    const { log, name, owner, requestDigest, body, acceptedAtMs } = bulk;
    await this.#database.rows(ENQUEUE, [log, name, owner, requestDigest, body, acceptedAtMs]);
    return (await this.find(bulk, owner)) ?? { requestDigest, end: undefined };
  }

  async claim({ nowMs, heldUntilMs, limit }: BulkClaim): Promise<readonly ClaimedBulk[]> {
    const rows = await this.#database.rows(CLAIM, [nowMs, heldUntilMs, limit]);
    return [...rows]
      .sort((a, b) => a.acceptedAtMs - b.acceptedAtMs)
      .map(({ log, name, body }) => ({ log, name, body }));
  }

  async finish({ log, name }: BulkPlace, { outcome, expiresAtMs }: BulkEnd): Promise<void> {
    await this.#database.rows(FINISH, [log, name, outcome, expiresAtMs]);
  }

  async find({ log, name }: BulkPlace, owner: string): Promise<StoredBulk | undefined> {
    const [row] = await this.#database.rows(FIND, [log, name, owner]);
    return row && stored(row);
  }

  async removeExpired(nowMs: number): Promise<void> {
    await this.#database.rows(REMOVE_EXPIRED, [nowMs]);
  }
}

function stored({ requestDigest, outcome, expiresAtMs }: BulkRow): StoredBulk {
  const end = outcome === null || expiresAtMs === null ? undefined : { outcome, expiresAtMs };
  return { requestDigest, end };
}
