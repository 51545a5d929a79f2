import type { AuditService, EntryOutcome, TailRequest } from "../../src/audit/service.js";

/** A signal that aborts as soon as somebody waits on it: a tail that it ends has shown all there is. */
export function untilItWaits(): AbortSignal {
  const controller = new AbortController();
  const listen = controller.signal.addEventListener.bind(controller.signal);
  const abortSoon = (...listener: Parameters<typeof listen>): void => {
    listen(...listener);
    queueMicrotask(() => {
      controller.abort();
    });
  };
  return Object.assign(controller.signal, { addEventListener: abortSoon });
}

/** Everything that a tail shows before it waits for the log to grow. */
export async function tailed(service: AuditService, request: TailRequest): Promise<readonly EntryOutcome[]> {
  const outcomes: EntryOutcome[] = [];
  for await (const outcome of await service.tail(request, { signal: untilItWaits() })) outcomes.push(outcome);
  return outcomes;
}

/** What is shown of each outcome: a leaf index, or the kind of what cannot be shown. */
export function shownOf(outcomes: readonly EntryOutcome[]): readonly (number | string)[] {
  return outcomes.map((outcome) => (outcome.kind === "entry" ? outcome.entry.leafIndex : outcome.kind));
}

/** Takes so many outcomes off a tail and leaves it open. */
export async function take(tail: AsyncIterator<EntryOutcome>, count: number): Promise<readonly EntryOutcome[]> {
  const outcomes: EntryOutcome[] = [];
  while (outcomes.length < count) {
    const next: IteratorResult<EntryOutcome, unknown> = await tail.next();
    if (next.done === true) return outcomes;
    outcomes.push(next.value);
  }
  return outcomes;
}
