import { AuditError } from "../../audit/errors.js";
import type { Confirmed, Durability, LogHead } from "../../audit/store.js";
import type { Database } from "./database.js";
import type { Statement } from "./transaction.js";

export const HEAD_COLUMNS = `
  log, format, size, root_hash AS "rootHash", checkpoint, last_received_at AS "lastReceivedAt"`;

/** The head that was asked for; nulls if there is none. */
type HeadRow = LogHead | { readonly log: null };

interface ReplicationRow {
  readonly isReplica: boolean;
  /** Empty, or null on a server without this setting: a commit is durable once it is on this server's disk. */
  readonly standbyNames: string | null;
}

/** What a server says about itself, with its heads in one result: a pooler or a failover may choose the server. */
const withHeads = (columns: string): string => `
  SELECT server.*, ${HEAD_COLUMNS}
  FROM (SELECT ${columns}) AS server LEFT JOIN auditql.heads ON log = ANY ($1::text[])`;

const REPLICATION: Statement<ReplicationRow & HeadRow> = {
  name: "replication",
  text: withHeads(`
    pg_is_in_recovery() AS "isReplica", current_setting('synchronous_standby_names', true) AS "standbyNames"`),
};

/**
 * A commit that changes nothing and takes no lock: a record in the journal, which is ordered, so a standby that has it
 * has everything before it. Any role may write one. The warning that the wait was cut short must not be filtered out.
 */
const MARK: Statement<HeadRow> = {
  name: "mark",
  text: withHeads(`
    pg_logical_emit_message(true, 'auditql', ''),
    set_config('synchronous_commit', 'on', true), set_config('client_min_messages', 'warning', true)`),
};

interface ConfirmedLogs {
  readonly durability: Durability;
  readonly heads: readonly LogHead[];
}

/** One confirmation, shared by everyone who waits for the next. */
interface Shared {
  readonly logs: Set<string>;
  readonly confirmed: Promise<ConfirmedLogs>;
}

/** A reachable standby has such a record within milliseconds. */
const TIMEOUT_MS = 5_000;
const RETRY_AFTER_MS = 1_000;

/**
 * Confirms that what the database shows is durable. Without synchronous standbys, what is visible is on disk. With
 * them, it need not be on a standby: PostgreSQL also shows a transaction after a crash, or once its wait was cancelled.
 */
export class Confirmation {
  readonly #database: Database;
  readonly #timeoutMs: number;
  #underWay: Promise<unknown> = Promise.resolve();
  #next: Shared | undefined;

  /** `timeoutMs` is below a statement's timeout, at which the client would leave without cancelling. Default 5,000. */
  constructor(database: Database, timeoutMs = TIMEOUT_MS) {
    this.#database = database;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * See LogStore.confirm. A confirmation in progress may have begun before a caller's read, so all who come during one
   * share the next.
   */
  async confirm(log: string): Promise<Confirmed> {
    const { logs, confirmed } = (this.#next ??= this.#afterThis());
    logs.add(log);
    const { durability, heads } = await confirmed;
    return { durability, head: heads.find((head) => head.log === log) };
  }

  #afterThis(): Shared {
    const logs = new Set<string>();
    const confirmed = this.#underWay.then(() => {
      this.#next = undefined;
      const begun = this.#confirm([...logs]);
      this.#underWay = begun.catch(() => undefined);
      return begun;
    });
    return { logs, confirmed };
  }

  async #confirm(logs: readonly string[]): Promise<ConfirmedLogs> {
    const rows = await this.#database.rows(REPLICATION, [logs]);
    if (rows[0]?.isReplica === true) return { durability: "replica", heads: headsIn(rows) };
    const isSynchronous = (rows[0]?.standbyNames ?? "") !== "";
    return { durability: "durable", heads: headsIn(isSynchronous ? await this.#mark(logs) : rows) };
  }

  /**
   * A mark that gets no confirmation is cancelled on the server: otherwise each would hold a session until the standby
   * is back.
   */
  async #mark(logs: readonly string[]): Promise<readonly HeadRow[]> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    try {
      return await this.#database.write(MARK, [logs], timeout);
    } catch (cause) {
      if (cause !== timeout.reason) throw cause;
      const message =
        "The database's synchronous standby does not answer, so it is not known whether the newest entries are durable: try again.";
      throw new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, cause });
    }
  }
}

function headsIn(rows: readonly HeadRow[]): readonly LogHead[] {
  return rows.flatMap((row) => {
    if (row.log === null) return [];
    const { log, format, size, rootHash, checkpoint, lastReceivedAt } = row;
    return [{ log, format, size, rootHash, checkpoint, lastReceivedAt }];
  });
}
