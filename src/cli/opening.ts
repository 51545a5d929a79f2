import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { AuditError } from "../audit/errors.js";
import type { AuditService } from "../audit/service.js";
import type { EngineHealth } from "../http/server.js";
import { wrapped } from "../audit/calls.js";

/** An audit service, and what it stands on. */
export interface Engine {
  readonly service: AuditService;
  readonly health: EngineHealth;
  /** Lets accepted events become durable, then closes everything. */
  close(): Promise<void>;
}

/** Each pause is twice the one before it, up to the last; somewhat shorter by chance, so that gateways do not come at once. */
const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 3_000;

/**
 * An engine on its way: opened again and again while what stands in the way passes by itself. Its service and its health are
 * there at once, and say UNAVAILABLE with the reason until the engine is open.
 */
export class OpeningEngine {
  readonly service: AuditService;
  readonly health: EngineHealth;
  /** Resolves when the engine is open. Rejects when it cannot be before somebody changes something. */
  readonly opened: Promise<Engine>;
  readonly #stop = new AbortController();
  #engine: Engine | undefined;
  #reason = notYet();

  constructor(
    private readonly open: () => Promise<Engine>,
    private readonly logger: Logger,
    private readonly waitsFor = "the database",
  ) {
    this.service = this.#serviceOnceOpen();
    this.health = { probe: () => this.#engine?.health.probe() ?? Promise.reject(this.#reason) };
    this.opened = this.#openUntilOpen();
    this.opened.catch(ignore);
  }

  /** Closes the engine; one that is not open is not waited for. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#engine?.close();
  }

  async #openUntilOpen(): Promise<Engine> {
    const startedAt = performance.now();
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
      try {
        this.#engine = await this.open();
        if (this.#stop.signal.aborted) await this.#engine.close();
        if (pauseMs > FIRST_PAUSE_MS) this.#tellEnd(performance.now() - startedAt);
        return this.#engine;
      } catch (error) {
        if (!(error instanceof AuditError) || error.passing === undefined) throw error;
        if (pauseMs === FIRST_PAUSE_MS) this.logger.warn(`waiting for ${this.waitsFor}: ${error.message}`);
        this.#reason = waiting(this.waitsFor, error.passing);
      }
      await sleep(pauseMs * (0.75 + 0.25 * Math.random()), undefined, { signal: this.#stop.signal });
    }
  }

  #tellEnd(waitedMs: number): void {
    this.logger.warn(`${this.waitsFor} is there, after ${(waitedMs / 1_000).toFixed(1)} s`);
  }

  #serviceOnceOpen(): AuditService {
    return wrapped(this.#unopened(), (method, refuse) => (...args) => {
      const service = this.#engine?.service;
      const call: unknown = service && Reflect.get(service, method);
      return typeof call === "function" ? (Reflect.apply(call, service, args) as unknown) : refuse();
    });
  }

  /** Typed, so that a method of the port that is missing here does not compile. */
  #unopened(): AuditService {
    const refuse = (): Promise<never> => Promise.reject(this.#reason);
    return {
      ...{ identity: refuse, append: refuse, appendLater: refuse, bulkRequest: refuse },
      ...{ search: refuse, results: refuse, download: refuse, tail: refuse, root: refuse, entries: refuse },
      ...{ entryByHash: refuse, membershipProofs: refuse, consistencyProof: refuse, consistency: refuse },
      ...{
        membershipVerdicts: refuse,
        checkpointVerdict: refuse,
        indexRoot: refuse,
        indexRecords: refuse,
        completeness: refuse,
        close: () => Promise.resolve(),
      },
    };
  }
}

function notYet(): AuditError {
  return new AuditError("UNAVAILABLE", "the log is being opened; try again", { retryAfterMs: FIRST_PAUSE_MS });
}

function waiting(waitsFor: string, passing: string): AuditError {
  const detail = { retryAfterMs: LAST_PAUSE_MS, passing };
  return new AuditError("UNAVAILABLE", `waiting for ${waitsFor}`, detail);
}

function ignore(): void {
  // The caller that waits for it is told.
}
