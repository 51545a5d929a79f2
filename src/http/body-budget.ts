import { AuditError } from "../audit/errors.js";

/** How many bytes of request bodies a process holds at once, when no setting says otherwise. */
export const MAX_BODIES_BYTES = 256 * 1_024 * 1_024;
/** The part of it that one sender may hold: others get through while one fills its own. */
const SHARE = 1 / 4;
/** A body is in flight for as long as it takes to be sent and answered. */
const RETRY_AFTER_MS = 1_000;

/** What is held of one request's body. */
export interface HeldBody {
  /** Counts bytes that have come. Throws AuditError UNAVAILABLE where there is no room for them; they are not counted then. */
  add(bytes: number): void;
  /** Gives all of it back; once is enough, more does no harm. */
  release(): void;
}

/**
 * The bytes of all request bodies of this process that have come and are not answered yet. Bodies have a limit each, but
 * connections that send theirs slowly could hold any number of them.
 */
export class BodyBudget {
  readonly #bySender = new Map<string, number>();
  /** At least one body of the largest size. */
  readonly #share: number;
  #held = 0;

  constructor(
    private readonly maxBytes: number,
    maxBodyBytes: number,
  ) {
    this.#share = Math.max(Math.floor(maxBytes * SHARE), Math.min(maxBodyBytes, maxBytes));
  }

  get held(): number {
    return this.#held;
  }

  /** `sender` is a credential's id, or an address where there is none. */
  open(sender: string): HeldBody {
    let own = 0;
    return {
      add: (bytes) => {
        this.#take(sender, bytes);
        own += bytes;
      },
      release: () => {
        this.#give(sender, own);
        own = 0;
      },
    };
  }

  #take(sender: string, bytes: number): void {
    const ofSender = (this.#bySender.get(sender) ?? 0) + bytes;
    if (ofSender > this.#share) throw full(`${this.#share} bytes of request bodies for one sender`);
    if (this.#held + bytes > this.maxBytes) throw full(`${this.maxBytes} bytes of request bodies`);
    this.#bySender.set(sender, ofSender);
    this.#held += bytes;
  }

  #give(sender: string, bytes: number): void {
    const left = (this.#bySender.get(sender) ?? 0) - bytes;
    if (left > 0) this.#bySender.set(sender, left);
    else this.#bySender.delete(sender);
    this.#held -= bytes;
  }
}

function full(what: string): AuditError {
  const message = `the gateway holds at most ${what} at once, and cannot take this one now; nothing was done`;
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS });
}
