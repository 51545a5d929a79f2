import type { CheckedEvent } from "../../audit/checked-request.js";
import { AuditError } from "../../audit/errors.js";
import type { Logged } from "../../audit/service.js";
import type { LogFormat } from "../../core/format.js";
import type { RequestKey } from "../log/batch.js";

/** Where a lane appends its requests. */
export interface AppendLane {
  append(events: readonly CheckedEvent[], requestKey?: RequestKey): Promise<Logged>;
}

export interface BulkLimits {
  /** How many requests of a log are appended at once; the others wait. */
  readonly atOnce: number;
  /** Requests are refused while the canonical texts of the waiting events have more characters than this. */
  readonly maxWaitingCharacters: number;
}

/** Four fill a batch, and a single event that arrives meanwhile waits for those four at most. */
export const BULK_LIMITS: BulkLimits = { atOnce: 4, maxWaitingCharacters: 64 * 1_024 * 1_024 };

/** How long a refused caller should wait: a few batches. */
const RETRY_AFTER_MS = 1_000;

interface Waiting {
  readonly characters: number;
  readonly resolve: () => void;
  readonly reject: (error: AuditError) => void;
}

/**
 * Appends bulk requests to a log a few at a time, first in, first out. The others of a burst wait in memory, and their
 * callers with them: they take none of the room of single events, and a single event does not wait for all of them.
 */
export class BulkLane implements AppendLane {
  readonly #waiting: Waiting[] = [];
  #waitingCharacters = 0;
  #running = 0;

  constructor(
    private readonly log: AppendLane & { readonly format: LogFormat },
    private readonly limits: BulkLimits = BULK_LIMITS,
  ) {}

  /**
   * Like the log's own `append`. Also rejects with UNAVAILABLE and the outcome NONE when too much waits, or when the
   * service closes before the request's turn.
   */
  async append(events: readonly CheckedEvent[], requestKey?: RequestKey): Promise<Logged> {
    if (this.#running >= this.limits.atOnce) await this.#turn(events);
    else this.#running++;
    try {
      return await this.log.append(events, requestKey);
    } finally {
      this.#passTurn();
    }
  }

  /** Rejects the requests that wait. */
  close(): void {
    const closing = "The service is closing, and nothing of this request was logged: try again.";
    for (const { reject } of this.#waiting.splice(0)) reject(refused(closing));
    this.#waitingCharacters = 0;
  }

  #turn(events: readonly CheckedEvent[]): Promise<void> {
    const { format } = this.log;
    const characters = events.reduce((sum, { event }) => sum + format.signedText(event).length, 0);
    const hasRoom = this.#waitingCharacters + characters <= this.limits.maxWaitingCharacters;
    if (this.#waiting.length > 0 && !hasRoom) {
      throw refused("Too many bulk requests wait, and nothing of this one was logged: try again later.");
    }
    this.#waitingCharacters += characters;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ characters, resolve, reject });
    });
  }

  #passTurn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else {
      this.#waitingCharacters -= next.characters;
      next.resolve();
    }
  }
}

function refused(message: string): AuditError {
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, outcome: "NONE" });
}
