import { unlessAborted } from "../../audit/calls.js";
import { AuditError } from "../../audit/errors.js";
import type { Logged } from "../../audit/service.js";
import type { JsonObject } from "../../core/json.js";

/** Logs events in one request, and rejects with AuditError. */
export type LogAll = (items: readonly JsonObject[]) => Promise<Logged>;

/** So many requests run at once; what comes meanwhile waits for the next, which logs all of it. */
const AT_ONCE = 2;
/** A service that is slow for one request need not be for the next. */
const LONGEST_HOLD_MS = 50;
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
 * than one. While a request runs that logs more events than wait for the next, these are held back for a moment: so two requests share
 * evenly what comes at once, where each would else be followed by a small one. Each caller learns of its own event only.
 */
export class GroupedLog {
  #waiting: Waiting[] = [];
  readonly #running = new Set<readonly Waiting[]>();
  /** A request begins when this turn has brought what it brings: clients that were answered together come again together. */
  #isBeginning = false;
  #hold: NodeJS.Timeout | undefined;

  constructor(private readonly logAll: LogAll) {}

  /** Rejects with the error of the event itself, or of the request that it was in, which then is about all in it. */
  log(item: JsonObject, signal: AbortSignal | undefined): Promise<Logged> {
    signal?.throwIfAborted();
    const logged = new Promise<Logged>((resolve, reject) => {
      this.#waiting.push({ item, characters: JSON.stringify(item).length, signal, resolve, reject });
    });
    this.#look();
    return unlessAborted(logged, signal);
  }

  /** Begins the next request if it is due: `isHeld` says that its first event was held back for long enough. */
  #look(isHeld = false): void {
    if (this.#isBeginning || this.#running.size === AT_ONCE || this.#waiting.length === 0) return;
    const [running = []] = this.#running;
    if (!isHeld && this.#waiting.length < running.length) {
      this.#hold ??= setTimeout(() => {
        this.#hold = undefined;
        this.#look(true);
      }, LONGEST_HOLD_MS);
      return;
    }
    this.#isBeginning = true;
    setImmediate(() => {
      this.#isBeginning = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    clearTimeout(this.#hold);
    this.#hold = undefined;
    const group = this.#group().filter(({ signal }) => signal?.aborted !== true);
    this.#running.add(group);
    this.#look(); // at what this request has no room for
    if (group.length > 0) await this.#logGroup(group);
    this.#running.delete(group);
    this.#look();
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
