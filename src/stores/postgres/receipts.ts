import type { RequestReceipt } from "../../audit/store.js";
import type { Database } from "./database.js";
import type { Statement } from "./transaction.js";

type ReceiptRow = Omit<RequestReceipt, "seal"> & { readonly seal: Uint8Array | null };

const COLUMNS = `
  key, request_digest AS "requestDigest", first_index AS "firstIndex", entry_count AS count, tree_size AS "treeSize", seal`;

const FIND: Statement<ReceiptRow> = {
  name: "receipts",
  text: `SELECT ${COLUMNS} FROM auditql.receipts WHERE log = $1 AND key = ANY ($2::bytea[])`,
};

const BEHIND: Statement<ReceiptRow> = {
  name: "receipts-behind",
  text: `SELECT ${COLUMNS} FROM auditql.receipts WHERE log = $1 AND key > $2 ORDER BY key LIMIT $3`,
};

const KEEP: Statement<never> = {
  name: "receipts-keep",
  text: `
    INSERT INTO auditql.receipts (log, key, request_digest, first_index, entry_count, tree_size, seal)
    SELECT $1::text, receipt.*
    FROM unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::integer[], $6::bigint[], $7::bytea[]) AS receipt
    ON CONFLICT (log, key) DO NOTHING`,
};

/** The results of requests with an idempotency key; new ones are written with their entries (append.ts). */
export class PostgresReceipts {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(log: string, keys: readonly Uint8Array[]): Promise<readonly (RequestReceipt | undefined)[]> {
    const rows = (await this.#database.rows(FIND, [log, keys])).map(receiptIn);
    const found = new Map(rows.map((row) => [nameOf(row.key), row]));
    return keys.map((key) => found.get(nameOf(key)));
  }

  async behind(log: string, key: Uint8Array, limit: number): Promise<readonly RequestReceipt[]> {
    return (await this.#database.rows(BEHIND, [log, key, limit])).map(receiptIn);
  }

  async keep(log: string, receipts: readonly RequestReceipt[]): Promise<void> {
    await this.#database.write(KEEP, [
      log,
      receipts.map(({ key }) => key),
      receipts.map(({ requestDigest }) => requestDigest),
      receipts.map(({ firstIndex }) => firstIndex),
      receipts.map(({ count }) => count),
      receipts.map(({ treeSize }) => treeSize),
      receipts.map(({ seal }) => seal ?? null),
    ]);
  }
}

function receiptIn({ seal, ...receipt }: ReceiptRow): RequestReceipt {
  return { ...receipt, seal: seal ?? undefined };
}

const nameOf = (key: Uint8Array): string => key.join();
