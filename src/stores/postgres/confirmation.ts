import { AuditError } from "../../audit/errors.js";
import type { Durability } from "../../audit/store.js";
import type { Database } from "./database.js";
import type { Statement } from "./transaction.js";

interface Replication {
  readonly isReplica: boolean;
  /** Empty, or null on a server that knows no such setting: a commit is durable once it is on this server's disk. */
  readonly standbyNames: string | null;
}

const REPLICATION: Statement<Replication> = {
  name: "replication",
  text: `
    SELECT pg_is_in_recovery() AS "isReplica", current_setting('synchronous_standby_names', true) AS "standbyNames"`,
};

/**
 * A commit of its own that changes nothing and takes no lock: a record in the journal, which is in order, so the standby that has it
 * has all before it. Any role may write one. The warning that says that the wait was cut short must not be filtered out.
 */
const MARK: Statement<never> = {
  name: "mark",
  text: `
    SELECT pg_logical_emit_message(true, 'auditql', ''),
      set_config('synchronous_commit', 'on', true), set_config('client_min_messages', 'warning', true)`,
};

/** A standby that is there has such a record within milliseconds. */
const TIMEOUT_MS = 5_000;
const RETRY_AFTER_MS = 1_000;

/**
 * Finds out that what the database shows is durable. Without synchronous standbys, what is visible is on the disk. With them, what is visible
 * need not be on a standby: PostgreSQL shows a transaction after a crash, or once its wait was cancelled, all the same.
 */
export class Confirmation {
  readonly #database: Database;
  readonly #timeoutMs: number;
  #underWay: Promise<unknown> = Promise.resolve();
  #next: Promise<Durability> | undefined;

  /** `timeoutMs` is below the time of a statement, at the end of which the client would leave without cancelling. Default 5,000. */
  constructor(database: Database, timeoutMs = TIMEOUT_MS) {
    this.#database = database;
    this.#timeoutMs = timeoutMs;
  }

  /** As LogStore.confirm. All who come while one is under way, which may have begun before what they have read, share the next. */
  confirm(): Promise<Durability> {
    this.#next ??= this.#underWay.then(() => {
      this.#next = undefined;
      const confirmed = this.#confirm();
      this.#underWay = confirmed.catch(() => undefined);
      return confirmed;
    });
    return this.#next;
  }

  async #confirm(): Promise<Durability> {
    const [replication] = await this.#database.rows(REPLICATION, []);
    if (replication?.isReplica === true) return "replica";
    if ((replication?.standbyNames ?? "") !== "") await this.#mark();
    return "durable";
  }

  /** One that waits in vain is cancelled on the server: else each would keep a session there until the standby is back. */
  async #mark(): Promise<void> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    try {
      await this.#database.write(MARK, [], timeout);
    } catch (cause) {
      if (cause !== timeout.reason) throw cause;
      const message =
        "The database's synchronous standby does not answer, so it is not known whether its newest entries last.";
      throw new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, cause });
    }
  }
}
