import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { logBulk, type LogBulk, type Receipt, type SentEvent } from "../e2e/log-bulk.js";
import { until } from "./until.js";

const KEYED_WRITERS = 8;
const PLAIN_WRITERS = 4;
/** Twelve writers that never rest would leave a small machine nothing for Patroni, whose locks run out by the clock. */
const REST_MS = 25;

/** What became of a request; all times are milliseconds of `performance.now()`. */
export type Outcome =
  | { readonly kind: "acknowledged"; readonly receipt: Receipt; readonly gateway: string; readonly at: number }
  /** The gateway said that nothing was logged, and that nothing will be. */
  | { readonly kind: "refused" }
  /** There was no answer, or one that does not say whether the events are in the log. */
  | { readonly kind: "unknown" };

export interface SentRequest {
  /** What was being done to the cluster when it was first sent. */
  readonly scenario: string;
  readonly events: readonly SentEvent[];
  readonly isKeyed: boolean;
  readonly sentAt: number;
  readonly outcome: Outcome;
}

/** A refusal on the way to an outcome: its code, and its message, which may say why. */
export interface Refusal {
  readonly scenario: string;
  readonly code: string;
  readonly message: string;
}

type Attempt = Outcome & { readonly refusals: readonly Omit<Refusal, "scenario">[] };

/** Clients that log through any of the gateways until they are stopped, and keep what they were told. */
export class Load {
  readonly requests: SentRequest[] = [];
  readonly refusals: Refusal[] = [];
  /** When each gateway was last sent a request that it acknowledged. */
  readonly #answeredSince = new Map<string, number>();
  readonly #writers: Promise<void>;
  #isOver = false;

  /** `scenario` is what is being done to the cluster, to be changed by who does something else. */
  constructor(
    private readonly gateways: readonly string[],
    public scenario: string,
  ) {
    const keyed = Array.from({ length: KEYED_WRITERS }, (_, i) => this.#write(`keyed writer ${i}`, true));
    const plain = Array.from({ length: PLAIN_WRITERS }, (_, i) => this.#write(`plain writer ${i}`, false));
    this.#writers = Promise.all([...keyed, ...plain]).then(() => undefined);
  }

  /** Resolves when every gateway has acknowledged something that it was sent from now on. */
  async resumed(): Promise<void> {
    const now = performance.now();
    await until("every gateway acknowledges again", async () => {
      const isResumed = this.gateways.every((gateway) => (this.#answeredSince.get(gateway) ?? 0) > now);
      return isResumed ? true : undefined;
    });
  }

  /** Resolves when each writer knows what became of its last request; rejects when one that repeats it never learns it. */
  async stop(patienceMs?: number): Promise<void> {
    this.#isOver = true;
    let isDone = false;
    void this.#writers.then(() => {
      isDone = true;
    });
    const done = async (): Promise<true | undefined> => (isDone ? true : undefined);
    await until("every writer learns what became of its last request", done, patienceMs);
  }

  async #write(actor: string, isKeyed: boolean): Promise<void> {
    for (let count = 0; !this.#isOver; count++) {
      const events = Array.from({ length: 1 + (count % 3) }, () => ({ message: randomUUID(), actor }));
      const [scenario, sentAt] = [this.scenario, performance.now()];
      const outcome = await this.#send(events, isKeyed);
      this.requests.push({ scenario, events, isKeyed, sentAt, outcome });
      await sleep(REST_MS);
    }
  }

  /** With a key: until it is acknowledged, each time by any of the gateways. Without: once, and it is left at that. */
  async #send(events: readonly SentEvent[], isKeyed: boolean): Promise<Outcome> {
    const key = isKeyed ? randomUUID() : null;
    for (;;) {
      const { scenario } = this;
      const gateway = this.gateways[Math.floor(this.gateways.length * Math.random())] ?? "";
      const startedAt = performance.now();
      const { refusals, ...outcome } = await attempt(gateway, { events, key });
      this.refusals.push(...refusals.map((refusal) => ({ scenario, ...refusal })));
      if (outcome.kind === "acknowledged") this.#answeredSince.set(gateway, startedAt);
      if (outcome.kind === "acknowledged" || !isKeyed) return outcome;
      await sleep(REST_MS);
    }
  }
}

async function attempt(gateway: string, request: LogBulk): Promise<Attempt> {
  try {
    const { data, errors } = await logBulk(gateway, request);
    const at = performance.now();
    if (data && errors.length === 0) return { kind: "acknowledged", receipt: data.logBulk, gateway, at, refusals: [] };
    const refusals = errors.map(({ message, extensions }) => ({ code: String(extensions?.["code"]), message }));
    const isKnown = errors.length > 0 && errors.every(({ extensions }) => extensions?.["outcome"] === "NONE");
    return { kind: isKnown ? "refused" : "unknown", refusals };
  } catch {
    return { kind: "unknown", refusals: [] };
  }
}
