import { MAX_STREAMS } from "../../access/limits.js";
import { AuditError } from "../../audit/errors.js";
import { Places, tenthOf } from "../places.js";
import type { StreamHolder } from "./stream-holder.js";

export interface StreamLimits {
  /** Streams open at once in this process: each is one subscription. One caller may have a tenth of them. */
  readonly maxStreams: number;
  /** How long a reader may take over one event before its stream is cut. */
  readonly slowMs: number;
  /** How often the credential of an open stream is presented again. */
  readonly recheckMs: number;
  /** How often a connection shows that it is alive while nothing is logged. */
  readonly keepAliveMs: number;
}

export const STREAM_LIMITS: StreamLimits = {
  maxStreams: MAX_STREAMS,
  slowMs: 30_000,
  recheckMs: 5_000,
  keepAliveMs: 12_000,
};

/** The message to a reader that does not read: it can resume when it does. */
export const SLOW_READER = "the reader is too slow: subscribe again from the index after the last one seen";

/** The streams of a gateway, whatever transport they use. */
export class OpenStreams {
  readonly #streams = new Set<Stream>();
  #isDraining = false;

  readonly #places: Places;

  constructor(readonly limits: StreamLimits) {
    const { maxStreams } = limits;
    this.#places = new Places({
      ...{ what: "streams", most: maxStreams, share: tenthOf(maxStreams) },
      retryAfterMs: 1_000,
    });
  }

  get count(): number {
    return this.#streams.size;
  }

  /** Throws AuditError UNAVAILABLE when there are as many as may be, in all or for one caller, or the gateway is stopping. */
  open(holder: StreamHolder): Stream {
    if (this.#isDraining)
      throw new AuditError("UNAVAILABLE", "the gateway is stopping: subscribe again", { retryAfterMs: 1_000 });
    const free = this.#places.take(holder.sharer);
    const stream = new Stream(holder, this.limits.recheckMs);
    this.#streams.add(stream);
    const ended = () => {
      this.#streams.delete(stream);
      free();
    };
    stream.signal.addEventListener("abort", ended, { once: true });
    return stream;
  }

  /**
   * Completes every subscription, so that its reader continues elsewhere, and opens no others; waits for single
   * results.
   */
  drain(): void {
    this.#isDraining = true;
    for (const stream of [...this.#streams]) stream.drain();
  }
}

/**
 * An open stream. It ends when its reader leaves, when the gateway stops, or when its credential is no longer valid.
 */
export class Stream {
  readonly #controller = new AbortController();
  #isSingle = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    /** The client that opened it. */
    readonly holder: StreamHolder,
    private readonly recheckMs: number,
  ) {
    this.#watch();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isSingle(): boolean {
    return this.#isSingle;
  }

  /** Marks it as a query or a mutation: that is executed to its end with the rights it started with, as over POST. */
  hasOneResult(): void {
    this.#isSingle = true;
    clearTimeout(this.#timer);
  }

  /** Ends it, unless it ends soon by itself. */
  drain(): void {
    if (!this.#isSingle) this.end();
  }

  /** The reader gets the reason, if there is one. */
  end(reason?: AuditError): void {
    clearTimeout(this.#timer);
    this.#controller.abort(reason);
  }

  /** Presents the credential again. If it is no longer valid, the stream ends, and the reason is returned. */
  async recheck(): Promise<AuditError | undefined> {
    const reason = await this.holder.recheck().catch(cannotTell);
    if (reason !== undefined) this.end(reason);
    return reason;
  }

  #watch(): void {
    const { expiresAtMs = Infinity } = this.holder;
    const delayMs = Math.min(this.recheckMs, Math.max(expiresAtMs - Date.now(), 1));
    this.#timer = setTimeout(() => {
      void this.recheck().then(() => {
        if (!this.signal.aborted && !this.#isSingle) this.#watch();
      });
    }, delayMs);
  }
}

function cannotTell(cause: unknown): AuditError {
  return new AuditError("UNAVAILABLE", "the credential cannot be checked now: subscribe again", { cause });
}
