import { AuditError } from "./errors.js";

/** Throws once the signal of a download has aborted: the reason if it is an AuditError, else UNAVAILABLE. */
export function requireWanted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw signal.reason instanceof AuditError
    ? signal.reason
    : new AuditError("UNAVAILABLE", "The download was stopped.");
}

/**
 * Settles like the promise, or rejects with the signal's reason once it aborts. The promise itself keeps running and
 * its outcome is then ignored.
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stop = ignore;
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
  });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
  signal.throwIfAborted();
  return promise;
}

function ignore(): void {
  // replaced by the promise above
}
