/**
 * The promise's outcome, or a rejection with the signal's reason once that aborts. The promise itself goes on, and its
 * outcome is then nobody's.
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
  // until the promise above has its own
}
