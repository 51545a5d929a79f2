import type { Database } from "./database.js";
import type { Statement } from "./transaction.js";

/** Longer than indexing a batch takes; a gateway that dies meanwhile delays the index by at most this. */
export const LEASE_END = "now() + interval '5 seconds'";

const TAKE: Statement<{ readonly size: number }> = {
  name: "lease-take",
  text: `
    INSERT INTO auditql.indexing AS lease (log, size, holder, held_until)
    VALUES ($1, 0, $2, ${LEASE_END})
    ON CONFLICT (log) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
    WHERE lease.holder = excluded.holder OR lease.held_until <= now()
    RETURNING size`,
};

const RELEASE: Statement<never> = {
  name: "lease-release",
  text: "UPDATE auditql.indexing SET held_until = now() WHERE log = $1 AND holder = $2",
};

const WATERMARK: Statement<{ readonly size: number }> = {
  name: "watermark",
  text: "SELECT size FROM auditql.indexing WHERE log = $1",
};

/**
 * Takes or extends the right to index a log and returns how far the log is indexed; undefined while another gateway
 * holds it. The lease only prevents double work: a compare-and-swap of the watermark decides what is indexed.
 */
export async function takeLease(database: Database, log: string, holder: string): Promise<number | undefined> {
  const [lease] = await database.rows(TAKE, [log, holder]);
  return lease?.size;
}

export async function releaseLease(database: Database, log: string, holder: string): Promise<void> {
  await database.rows(RELEASE, [log, holder]);
}

/** The number of leading leaves of a log that are indexed. */
export async function watermark(database: Database, log: string): Promise<number> {
  const [indexing] = await database.rows(WATERMARK, [log]);
  return indexing?.size ?? 0;
}
