import { outcomeKnown } from "../../audit/calls.js";
import type { AppendBatch, LogHead, LogReads } from "../../audit/store.js";
import type { LeafRange } from "../../core/tree.js";
import { appendBySwap, swapAndCommit } from "./append.js";
import { HEAD_COLUMNS } from "./confirmation.js";
import { Contention } from "./contention.js";
import type { Database } from "./database.js";
import { portFailure, wasRolledBack } from "./failures.js";
import { PostgresLogReads } from "./log-reads.js";
import type { Statement, Transaction } from "./transaction.js";

const LOCK_HEAD: Statement<{ readonly size: number }> = {
  name: "turn",
  text: "SELECT size FROM auditql.heads WHERE log = $1 FOR UPDATE",
};

interface Standing extends LogHead {
  /** Of the entries from the size that the caller knows; null when there are none. */
  readonly leafHashes: Uint8Array | null;
  /** The last entry's; null in an empty log. */
  readonly canonical: string | null;
}

/** A statement of its own, behind the lock: one that waits for a lock still sees what was committed before it began. */
const STANDING: Statement<Standing> = {
  name: "standing",
  text: `
    SELECT head.*, newest.canonical,
      (SELECT string_agg(leaf_hash, '' ORDER BY leaf_index) FROM auditql.entries AS entry
       WHERE entry.log = head.log AND leaf_index >= $2 AND leaf_index < least(head.size, $3)) AS "leafHashes"
    FROM (SELECT ${HEAD_COLUMNS} FROM auditql.heads WHERE log = $1) AS head
    LEFT JOIN auditql.entries AS newest
    ON newest.log = head.log AND newest.leaf_index = head.size - 1 AND head.size > $2`,
};

/**
 * How long the caller has for its append once it has the turn; others wait meanwhile.
 */
const HOLD_MS = 300;

/** Each held turn keeps a connection of the pool; the reads in between need some too. */
const MAX_TURNS = 4;

/** Who has missed more entries reads them without keeping others waiting. */
const MAX_MISSED = 16_384;

/** The head's row, locked: no one else appends to the log before this is committed or rolled back. */
interface Turn {
  readonly transaction: Transaction;
  readonly reads: LogReads;
  readonly expiry: NodeJS.Timeout;
}

/**
 * Appends in turn with other gateways. While this one seems to be alone it swaps the head, in one round trip. After a
 * conflict the log's row is locked for this gateway first, and what the log has become is read with the lock, in one round
 * trip; the batch is then made for a head that cannot move, and is sent together with the commit. With swaps alone, a
 * gateway that is slightly slower than the others would hardly ever win.
 */
export class Turns {
  readonly #database: Database;
  readonly #holdMs: number;
  readonly #contention = new Contention();
  readonly #held = new Map<string, Turn>();
  /** Logs whose row this process has locked or waits for. */
  readonly #taken = new Set<string>();

  constructor(database: Database, holdMs = HOLD_MS) {
    this.#database = database;
    this.#holdMs = holdMs;
  }

  /** See LogStore.turn. */
  async take(log: string, size: number): Promise<LogReads | undefined> {
    if (!this.#contention.locksFirst(log)) return undefined;
    const held = this.#held.get(log);
    if (held !== undefined) return held.reads;
    if (this.#taken.has(log) || this.#taken.size >= MAX_TURNS) return undefined;
    this.#taken.add(log);
    try {
      return await outcomeKnown(this.#lock(log, size), "NONE");
    } finally {
      if (!this.#held.has(log)) this.#taken.delete(log);
    }
  }

  /** True when the batch is durable; false when the log's size was another and nothing was written. */
  async append(batch: AppendBatch): Promise<boolean> {
    const held = this.#takeHeld(batch.log);
    const appended = held === undefined ? appendBySwap(this.#database, batch) : this.#appendIn(held, batch);
    // A failed commit reports UNKNOWN itself; every other failure was rolled back.
    const isAppended = await outcomeKnown(appended, "NONE");
    if (isAppended) this.#contention.appended(batch.log);
    else this.#contention.conflicted(batch.log);
    return isAppended;
  }

  async close(): Promise<void> {
    for (const log of [...this.#held.keys()]) await this.#expire(log);
  }

  /** Waits for the log's row; undefined when there is none, or when too much was missed. */
  async #lock(log: string, size: number): Promise<LogReads | undefined> {
    const transaction = await this.#database.begin();
    try {
      const [, [standing]] = await Promise.all([
        transaction.rows(LOCK_HEAD, [log]),
        transaction.rows(STANDING, [log, size, size + MAX_MISSED]),
      ]);
      if (standing !== undefined && standing.size <= size + MAX_MISSED)
        return this.#hold({ log, size }, transaction, standing);
    } catch (failure) {
      await transaction.rollback();
      throw portFailure(failure);
    }
    await transaction.rollback();
    return undefined;
  }

  #hold({ log, size }: Known, transaction: Transaction, standing: Standing): LogReads {
    if (standing.size !== size) this.#contention.conflicted(log);
    const reads = new TurnReads(transaction, size, standing);
    const expiry = setTimeout(() => void this.#expire(log), this.#holdMs).unref();
    this.#held.set(log, { transaction, reads, expiry });
    return reads;
  }

  async #appendIn({ transaction }: Turn, batch: AppendBatch): Promise<boolean> {
    try {
      return await swapAndCommit(transaction, batch);
    } catch (failure) {
      if (wasRolledBack(failure)) return false;
      throw portFailure(failure);
    } finally {
      this.#taken.delete(batch.log);
    }
  }

  #takeHeld(log: string): Turn | undefined {
    const held = this.#held.get(log);
    clearTimeout(held?.expiry);
    this.#held.delete(log);
    return held;
  }

  async #expire(log: string): Promise<void> {
    const held = this.#takeHeld(log);
    await held?.transaction.rollback();
    this.#taken.delete(log);
  }
}

/** The first entries of a log that a caller knows. */
interface Known {
  readonly log: string;
  readonly size: number;
}

/** A log while it is locked. What an append needs to know was read with the lock; anything else is read when it is asked for. */
class TurnReads extends PostgresLogReads {
  constructor(
    transaction: Transaction,
    private readonly from: number,
    private readonly standing: Standing,
  ) {
    super(transaction);
  }

  override head(log: string): Promise<LogHead | undefined> {
    const { format, size, rootHash, checkpoint, lastReceivedAt } = this.standing;
    if (log !== this.standing.log) return super.head(log);
    return Promise.resolve({ log, format, size, rootHash, checkpoint, lastReceivedAt });
  }

  override leafHashes(log: string, range: LeafRange): Promise<Uint8Array> {
    const { size, leafHashes } = this.standing;
    const isKnown = log === this.standing.log && range.start === this.from && range.end === size;
    return isKnown && leafHashes !== null ? Promise.resolve(leafHashes) : super.leafHashes(log, range);
  }

  override canonicals(
    log: string,
    leafIndexes: readonly number[],
    signal?: AbortSignal,
  ): Promise<readonly (string | undefined)[]> {
    const { size, canonical } = this.standing;
    const [leafIndex, ...more] = leafIndexes;
    const isNewest = log === this.standing.log && leafIndex === size - 1 && more.length === 0;
    return isNewest && canonical !== null ? Promise.resolve([canonical]) : super.canonicals(log, leafIndexes, signal);
  }
}
