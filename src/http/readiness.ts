import { deadline } from "../audit/deadline.js";
import { jsonAnswer, type Answer } from "./answer.js";

/** A store that is slower than this is of no use to who waits for a receipt. */
const PROBE_TIMEOUT_MS = 2_000;

/** How what stands behind the audit service is doing. */
export interface EngineHealth {
  /** Asks the log's store for something small. Rejects when it does not have it. */
  readonly probe: () => Promise<unknown>;
  /** The names of what is away, and can be done without. */
  readonly degraded: () => readonly string[];
}

/** Whether requests should be sent to this gateway: not while it stops, nor while its store does not answer. */
export class Readiness {
  #isDraining = false;

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

  /** Without what can be done without, it is ready, and says so. */
  async answer(): Promise<Answer> {
    if (this.#isDraining) return notReady("the gateway is stopping");
    const answers = await deadline(this.health.probe(), this.timeoutMs).then(
      () => true,
      () => false,
    );
    if (!answers) return notReady("the log does not answer");
    const degraded = this.health.degraded();
    return jsonAnswer(200, { status: "ready", ...(degraded.length > 0 && { degraded }) });
  }
}

function notReady(reason: string): Answer {
  return jsonAnswer(503, { status: "not ready", reason }, { "retry-after": "1" });
}
