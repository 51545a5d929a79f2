import { setTimeout as sleep } from "node:timers/promises";
import { AuditError } from "../../../src/audit/errors.js";
import type { AppendOutcome, LogHead, LogStore } from "../../../src/audit/store.js";
import { batch, entry } from "../batches.js";

/** A gateway as the port asks it to be: after an append of unknown outcome it looks at the head before its next write. */
export class CarefulWriter {
  /** Leaf index of each text that was acknowledged, or found durable after an unknown outcome. */
  readonly acknowledged = new Map<string, number>();
  conflicts = 0;
  unknownOutcomes = 0;

  constructor(
    private readonly store: LogStore,
    private readonly log: string,
  ) {}

  /** Appends one entry; tries until it is durable. No two writers may use one text. */
  async write(text: string): Promise<void> {
    for (;;) {
      const head = await this.head();
      const outcome = await this.appendAt(head.size, text);
      if (outcome === "conflict") this.conflicts++;
      if (outcome === "appended" || (outcome === "unknown" && (await this.isStored(head.size, text)))) {
        this.acknowledged.set(text, head.size);
        return;
      }
    }
  }

  private async appendAt(size: number, text: string): Promise<AppendOutcome["kind"] | "unknown"> {
    try {
      return (await this.store.append(batch(this.log, size, [entry(text)]))).kind;
    } catch (failure) {
      mustBeUnavailable(failure);
      this.unknownOutcomes++;
      return "unknown";
    }
  }

  private async head(): Promise<LogHead> {
    const turn = await untilAvailable(async () => this.store.turn?.(this.log, 0));
    const head = await untilAvailable(async () => (turn ?? this.store).head(this.log));
    if (head === undefined) throw new Error(`log ${this.log} is gone`);
    return head;
  }

  private async isStored(leafIndex: number, text: string): Promise<boolean> {
    const [stored] = await untilAvailable(async () => this.store.entries(this.log, [leafIndex]));
    return stored?.canonical === text;
  }
}

/** Asks again while the answer is UNAVAILABLE; any other failure is thrown. */
export async function untilAvailable<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (failure) {
      mustBeUnavailable(failure);
      await sleep(20);
    }
  }
}

function mustBeUnavailable(failure: unknown): void {
  if (!(failure instanceof AuditError) || failure.code !== "UNAVAILABLE") throw failure;
}

/** Every text of the log, in leaf order. */
export async function textsOf(store: LogStore, log: string): Promise<readonly (string | undefined)[]> {
  const size = (await store.head(log))?.size ?? 0;
  const indexes = Array.from({ length: size }, (_, leafIndex) => leafIndex);
  return (await store.entries(log, indexes)).map((stored) => stored?.canonical);
}
