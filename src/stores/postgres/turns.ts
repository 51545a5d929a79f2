import { outcomeKnown } from "../../audit/calls.js";
import type { AppendBatch } from "../../audit/store.js";
import { appendBySwap, swapIn } from "./append.js";
import { Contention } from "./contention.js";
import type { Database } from "./database.js";
import { portFailure, wasRolledBack } from "./failures.js";
import type { Statement, Transaction } from "./transaction.js";

const LOCK_HEAD: Statement<{ readonly size: number }> = {
  name: "turn",
  text: "SELECT size FROM auditql.heads WHERE log = $1 FOR UPDATE",
};

/**
 * How long after a conflict the caller has to return with a batch for the log's current size; others wait meanwhile.
 */
const HOLD_MS = 300;

/** Each held turn keeps a connection of the pool; the reads in between need some too. */
const MAX_TURNS = 4;

/** The head's row, locked: no one else appends to the log before this is committed or rolled back. */
interface Turn {
  readonly transaction: Transaction;
  readonly size: number;
}

interface HeldTurn extends Turn {
  readonly expiry: NodeJS.Timeout;
}

/**
 * Appends in turn with other gateways. While this one seems to be alone it swaps the head, in one round trip. A
 * conflict is reported only once the log's row is locked for this gateway, and the lock is held for the next append:
 * the caller reads the head, which cannot move now, builds its batch again and is certain to get it in. With swaps
 * alone, a gateway that is slightly slower than the others would hardly ever win.
 */
export class Turns {
  readonly #database: Database;
  readonly #holdMs: number;
  readonly #contention = new Contention();
  readonly #held = new Map<string, HeldTurn>();
  /** Logs whose row this process has locked or waits for. */
  readonly #taken = new Set<string>();

  constructor(database: Database, holdMs = HOLD_MS) {
    this.#database = database;
    this.#holdMs = holdMs;
  }

  /** True when the batch is durable; false when the log's size was another and nothing was written. */
  async append(batch: AppendBatch): Promise<boolean> {
    const held = this.#takeHeld(batch.log);
    const appended = held === undefined ? this.#appendOrHold(batch) : this.#appendIn(held, batch);
    // A failed commit reports UNKNOWN itself; every other failure was rolled back.
    const isAppended = await outcomeKnown(appended, "NONE");
    if (isAppended) this.#contention.appended(batch.log);
    else this.#contention.conflicted(batch.log);
    return isAppended;
  }

  async close(): Promise<void> {
    for (const log of [...this.#held.keys()]) await this.#expire(log);
  }

  async #appendOrHold(batch: AppendBatch): Promise<boolean> {
    const { log, expectedSize } = batch;
    const swapsFirst = !this.#contention.locksFirst(log) || !this.#mayTake(log);
    if (swapsFirst && (await appendBySwap(this.#database, batch))) return true;
    const turn = this.#mayTake(log) ? await this.#take(log) : undefined;
    if (turn?.size === expectedSize) return this.#appendIn(turn, batch);
    if (turn !== undefined) this.#hold(log, turn);
    return false;
  }

  #mayTake(log: string): boolean {
    return !this.#taken.has(log) && this.#taken.size < MAX_TURNS;
  }

  /** Waits for the log's row; undefined when there is none. */
  async #take(log: string): Promise<Turn | undefined> {
    this.#taken.add(log);
    let turn: Turn | undefined;
    try {
      turn = await lockHead(await this.#database.begin(), log);
    } catch (failure) {
      throw portFailure(failure);
    } finally {
      if (turn === undefined) this.#taken.delete(log);
    }
    return turn;
  }

  async #appendIn(turn: Turn, batch: AppendBatch): Promise<boolean> {
    try {
      return await swapAndCommit(turn, batch);
    } catch (failure) {
      if (wasRolledBack(failure)) return false;
      throw portFailure(failure);
    } finally {
      this.#taken.delete(batch.log);
    }
  }

  #hold(log: string, turn: Turn): void {
    const expiry = setTimeout(() => void this.#expire(log), this.#holdMs).unref();
    this.#held.set(log, { ...turn, expiry });
  }

  #takeHeld(log: string): HeldTurn | undefined {
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

async function lockHead(transaction: Transaction, log: string): Promise<Turn | undefined> {
  const [head] = await orRolledBack(transaction, transaction.rows(LOCK_HEAD, [log]));
  if (head !== undefined) return { transaction, size: head.size };
  await transaction.rollback();
  return undefined;
}

async function swapAndCommit({ transaction, size }: Turn, batch: AppendBatch): Promise<boolean> {
  const isIn = size === batch.expectedSize && (await orRolledBack(transaction, swapIn(transaction, batch)));
  await (isIn ? transaction.commit() : transaction.rollback());
  return isIn;
}

/** The result of a step of the transaction, which is rolled back when the step fails. */
async function orRolledBack<Result>(transaction: Transaction, step: Promise<Result>): Promise<Result> {
  try {
    return await step;
  } catch (failure) {
    await transaction.rollback();
    throw failure;
  }
}
