import { AuditError } from "../../audit/errors.js";
import { deadline } from "../../audit/calls.js";
import { jsonAnswer, type Answer } from "../answer.js";

/** A store that is slower than this is of no use to who waits for a receipt. */
const PROBE_TIMEOUT_MS = 2_000;

/** What does not work, though a log can be read. */
export interface Degradation {
  /** `writes`; `reads`, of one log of several; or what can be done without, such as `redis`. */
  readonly what: string;
  /** For anyone to read. */
  readonly reason?: string | undefined;
}

/** How what stands behind the audit service is doing. */
export interface EngineHealth {
  /** Reads something small of every log, and resolves with what does not work. Rejects when no log can be read. */
  readonly probe: () => Promise<readonly Degradation[]>;
}

/** Whether requests should be sent to this gateway: not while it stops, nor while its logs cannot be read. */
export class Readiness {
  #isDraining = false;
  /** Whoever asks meanwhile gets the same answer: asking costs the store no more than one look at a time. */
  #probing: Promise<Answer> | undefined;

  constructor(
    private readonly health: EngineHealth,
    private readonly timeoutMs = PROBE_TIMEOUT_MS,
  ) {}

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** From now on, for good. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Throws AuditError UNAVAILABLE while the gateway stops. */
  requireOpen(): void {
    if (!this.#isDraining) return;
    const message = "the gateway is stopping, nothing was done: send it again";
    throw new AuditError("UNAVAILABLE", message, { retryAfterMs: 1_000 });
  }

  /** Without what reads can do without, it is ready, and says so. */
  async answer(): Promise<Answer> {
    if (this.#isDraining) return notReady("the gateway is stopping");
    this.#probing ??= this.#probe().finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  async #probe(): Promise<Answer> {
    try {
      return ready(await deadline(this.health.probe(), this.timeoutMs));
    } catch (error) {
      return notReady(error instanceof AuditError ? reasonOf(error) : "the log does not answer");
    }
  }
}

/** Anyone may read it: an AuditError's message is written for clients. */
function reasonOf({ code, message, passing }: AuditError): string {
  const what = code === "UNAVAILABLE" ? message : `${code}: ${message}`;
  return passing === undefined ? what : `${what}: ${passing}`;
}

function ready(degradations: readonly Degradation[]): Answer {
  const degraded = [...new Set(degradations.map(({ what }) => what))];
  const reasons = degradations.flatMap(({ reason }) => reason ?? []);
  return jsonAnswer(200, {
    status: "ready",
    ...(degraded.length > 0 && { degraded }),
    ...(reasons.length > 0 && { reasons }),
  });
}

function notReady(reason: string): Answer {
  return jsonAnswer(503, { status: "not ready", reason }, { "retry-after": "1" });
}
