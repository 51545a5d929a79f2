import { unlessAborted } from "../../audit/calls.js";
import { AuditError } from "../../audit/errors.js";
import type { Logged } from "../../audit/service.js";
import type { JsonObject } from "../../core/json.js";

/** Logs events in one request, and rejects with AuditError. */
export type LogAll = (items: readonly JsonObject[]) => Promise<Logged>;

/** So many requests run at once; what comes meanwhile waits for the next, which logs all of it. With more, groups are smaller. */
const AT_ONCE = 2;
/** Protocol section 1.6. */
const MOST_EVENTS = 1_000;
/** Of the events' JSON; one that is larger goes alone. */
const MOST_CHARACTERS = 1_024 * 1_024;

interface Waiting {
  readonly item: JsonObject;
  readonly characters: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (logged: Logged) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Logs single events that come at once in requests of several: a service logs a thousand in one request for little more
 * than one. An event is never held back while fewer than two requests run, but for what the same turn of the event loop still
 * brings, and each caller learns of its own event only.
 */
export class GroupedLog {
  #waiting: Waiting[] = [];
  #running = 0;
  /** A request begins when this turn has brought what it brings: clients that were answered together come again together. */
  #isDue = false;

  constructor(private readonly logAll: LogAll) {}

  /** Rejects with the error of the event itself, or of the request that it was in, which then is about all in it. */
  log(item: JsonObject, signal: AbortSignal | undefined): Promise<Logged> {
    signal?.throwIfAborted();
    const logged = new Promise<Logged>((resolve, reject) => {
      this.#waiting.push({ item, characters: JSON.stringify(item).length, signal, resolve, reject });
    });
    if (!this.#isDue && this.#running < AT_ONCE) {
      this.#isDue = true;
      setImmediate(() => {
        this.#isDue = false;
        void this.#run();
      });
    }
    return unlessAborted(logged, signal);
  }

  async #run(): Promise<void> {
    this.#running++;
    while (this.#waiting.length > 0) {
      const wanted = this.#group().filter(({ signal }) => signal?.aborted !== true);
      if (wanted.length > 0) await this.#logGroup(wanted);
    }
    this.#running--;
  }

  /** Those that have waited longest, as many as one request takes. */
  #group(): readonly Waiting[] {
    let [count, characters] = [0, 0];
    for (const waiting of this.#waiting) {
      characters += waiting.characters;
      if (count === MOST_EVENTS || (count > 0 && characters > MOST_CHARACTERS)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #logGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const { entries, root } = await this.logAll(group.map(({ item }) => item));
      group.forEach(({ resolve, reject }, at) => {
        const entry = entries[at];
        if (entry === undefined) reject(new Error("a receipt has fewer entries than there were events"));
        else resolve({ entries: [entry], root });
      });
    } catch (error) {
      if (group.length > 1 && refusesOne(error)) await this.#logHalves(group);
      else for (const { reject } of group) reject(error);
    }
  }

  /** Nothing of the group was logged, for the sake of one in it: that one is told so, and the others are logged. */
  async #logHalves(group: readonly Waiting[]): Promise<void> {
    const half = Math.ceil(group.length / 2);
    await this.#logGroup(group.slice(0, half));
    await this.#logGroup(group.slice(half));
  }
}

function refusesOne(error: unknown): boolean {
  return error instanceof AuditError && error.code === "BAD_USER_INPUT" && error.outcome !== "UNKNOWN";
}
