import { setTimeout as sleep } from "node:timers/promises";
import { unlessAborted } from "../../audit/calls.js";
import { timeText } from "../../audit/clock.js";
import { AuditError } from "../../audit/errors.js";
import type { Entry } from "../../audit/service.js";
import type { Digest } from "../../core/bytes.js";

/** What a receipt of the protocol says of a logged event. */
export type LoggedEvent = Pick<Entry, "hash" | "envelope">;

/** A window of time, its end excluded. */
export interface Window {
  readonly start: string;
  readonly end: string;
}

/** The entries of a search by hash: events that are the same in the same microsecond have the same one. */
export type Shown = ReadonlyMap<Digest, readonly Entry[]>;

/** Searches a window of time. */
export type Look = (window: Window) => Promise<Shown>;

/** So many searches run at once; what is to be found meanwhile waits for the next, which finds all of it. */
const AT_ONCE = 4;
/** A search that finds several requests' events spans no more than this, so that others' events do not fill it. */
const MOST_MICROS = 1_000_000;
const MOST_EVENTS = 1_000;
/** How often, and first after how long, a logged event is looked for. */
const LOOKS = 6;
const FIRST_LOOK_MS = 100;

interface Wanted {
  readonly logged: readonly LoggedEvent[];
  readonly from: number;
  readonly to: number;
  looks: number;
  readonly resolve: (entries: readonly Entry[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Finds where events are that were just logged: the protocol's receipts do not say it, so their time is searched. */
export class Lookups {
  #waiting: Wanted[] = [];
  #running = 0;

  constructor(private readonly look: Look) {}

  /** The entries in the order given. Rejects with UNAVAILABLE when the service does not show them in time. */
  find(logged: readonly LoggedEvent[], signal: AbortSignal | undefined): Promise<readonly Entry[]> {
    const times = logged.map(({ envelope }) => microsOf(envelope.received_at)).sort((a, b) => a - b);
    const [from = 0, to = from] = [times[0], times.at(-1)];
    const found = new Promise<readonly Entry[]>((resolve, reject) => {
      this.#add({ logged, from, to, looks: 0, resolve, reject });
    });
    return unlessAborted(found, signal);
  }

  #add(wanted: Wanted): void {
    this.#waiting.push(wanted);
    if (this.#running < AT_ONCE) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running++;
    while (this.#waiting.length > 0) await this.#lookFor(this.#group());
    this.#running--;
  }

  /** The one that has waited longest, and all that one search finds with it. */
  #group(): readonly Wanted[] {
    const group: Wanted[] = [];
    const others: Wanted[] = [];
    let [from, to, events] = [Infinity, -Infinity, 0];
    for (const wanted of this.#waiting) {
      const [start, end] = [Math.min(from, wanted.from), Math.max(to, wanted.to)];
      const count = events + wanted.logged.length;
      const fits = group.length === 0 || (end - start <= MOST_MICROS && count <= MOST_EVENTS);
      (fits ? group : others).push(wanted);
      if (fits) [from, to, events] = [start, end, count];
    }
    this.#waiting = others;
    return group;
  }

  async #lookFor(group: readonly Wanted[]): Promise<void> {
    const [from, to] = [Math.min(...group.map((one) => one.from)), Math.max(...group.map((one) => one.to))];
    try {
      const found = await this.look({ start: timeText(from), end: timeText(to + 1) });
      const taken = new Map<Digest, number>();
      for (const wanted of group) this.#settle(wanted, found, taken);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  #settle(wanted: Wanted, found: Shown, taken: Map<Digest, number>): void {
    const { logged, resolve, reject } = wanted;
    const entries = eachItsOwn(logged, found, taken);
    if (entries.length === logged.length) resolve(entries);
    else if (++wanted.looks === LOOKS) reject(notShown(logged));
    else {
      void sleep(FIRST_LOOK_MS * 2 ** (wanted.looks - 1), undefined, { ref: false }).then(() => {
        this.#add(wanted);
      });
    }
  }
}

/** The entries of events, one for each; where the same events were logged by another request, that may have been first. */
function eachItsOwn(logged: readonly LoggedEvent[], found: Shown, taken: Map<Digest, number>): readonly Entry[] {
  return logged.flatMap(({ hash }) => {
    const same = found.get(hash) ?? [];
    const next = taken.get(hash) ?? 0;
    taken.set(hash, next + 1);
    const entry = same[next] ?? same.at(-1);
    return entry === undefined ? [] : [entry];
  });
}

function notShown(logged: readonly LoggedEvent[]): AuditError {
  const hashes = logged.map(({ hash }) => hash).slice(0, 3);
  const message = `The events are logged, under hashes such as ${hashes.join(", ")}, but the audit service does not show them yet`;
  return new AuditError("UNAVAILABLE", `${message}: do not log them again, search for them later.`);
}

const MICROS_PER_MS = 1_000;
const MS_DIGITS = "2026-01-01T00:00:00.000".length;

/** Microseconds since 1970 of a time in the spelling of envelopes. */
export function microsOf(receivedAt: string): number {
  return Date.parse(`${receivedAt.slice(0, MS_DIGITS)}Z`) * MICROS_PER_MS + Number(receivedAt.slice(MS_DIGITS, -1));
}
