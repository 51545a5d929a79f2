import { AuditError, withOutcome } from "../audit/errors.js";
import type { AuditService, LogRequest } from "../audit/service.js";
import { replaced, wrapped, type Call } from "../audit/calls.js";

/** The place of `asking` in each call that a request makes. What is not here, a tail, has a signal of its own. */
const ASKING_PLACE: Readonly<Record<string, number>> = {
  ...{ identity: 1, append: 1, appendLater: 1, bulkRequest: 1, download: 1, membershipProofs: 1, checkpointVerdict: 1 },
  ...{ consistencyProof: 1, completeness: 1 },
  ...{ indexRoot: 2, search: 2, results: 2, entries: 2, entryByHash: 2, root: 2, consistency: 2 },
} satisfies Record<Exclude<keyof AuditService, "tail" | "close">, number>;

/**
 * The audit service for one request that may be interrupted, by its deadline or by its client's leaving: from then on
 * no call goes on to the service, and what waits for one is rejected with UNAVAILABLE. Searches and reads of entries are
 * stopped down to the engine. What an append has begun is not undone: an interrupted one says that nobody knows its outcome.
 * The signal aborts with an AuditError as its reason.
 */
export function interruptible(service: AuditService, signal: AbortSignal): AuditService {
  const interruption = rejectionBy(signal);
  let hasLogged = false;

  const run = async (call: Call, args: readonly unknown[]): Promise<unknown> => {
    try {
      signal.throwIfAborted();
      return await Promise.race([call(...args), interruption]);
    } catch (error) {
      const isLate = error === signal.reason && hasLogged;
      throw isLate ? interrupted(signal, "what this request logged before is logged") : error;
    }
  };

  const write = async <T>(request: LogRequest, call: () => Promise<T>): Promise<T> => {
    if (signal.aborted) throw withOutcome(interrupted(signal, "nothing was logged here"), "NONE");
    try {
      const answer = await Promise.race([call(), interruption]);
      hasLogged = true;
      return answer;
    } catch (error) {
      throw error === signal.reason ? withOutcome(interrupted(signal, doubt(request)), "UNKNOWN") : error;
    }
  };

  const interrupting = wrapped(service, (method, call) => {
    const place = ASKING_PLACE[method];
    if (place === undefined) return call;
    return (...args) => {
      const asking = { ...Object.assign({}, args[place]), signal };
      return run(call, [...Array.from({ length: place }, (_, i) => args[i]), asking]);
    };
  });
  return replaced(interrupting, {
    append: (request, asking) => write(request, () => service.append(request, { ...asking, signal })),
    appendLater: (request, asking) => write(request, () => service.appendLater(request, { ...asking, signal })),
  });
}

/** Rejects when the signal aborts, whether or not anybody waits for it. */
function rejectionBy(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    const stop = () => {
      reject(reasonOf(signal));
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  promise.catch(ignore);
  return promise;
}

function ignore(): void {
  // whoever waits for a call is told
}

function reasonOf({ reason }: AbortSignal): AuditError {
  return reason instanceof AuditError ? reason : new AuditError("UNAVAILABLE", "the request was stopped");
}

function interrupted(signal: AbortSignal, consequence: string): AuditError {
  const { message, retryAfterMs } = reasonOf(signal);
  return new AuditError("UNAVAILABLE", `${message}; ${consequence}`, { retryAfterMs });
}

function doubt({ events, idempotencyKey }: LogRequest): string {
  const what = events.length === 1 ? "whether the event was logged" : "whether the events were logged";
  const advice = idempotencyKey === undefined ? "search for it before you repeat it" : "repeat it with the same key";
  return `${what} is not known: ${advice}`;
}
