/**
 * Settles like the promise, or rejects with `expired` after `timeoutMs`. The promise itself keeps running and its outcome
 * is then ignored.
 */
export async function deadline<T>(
  promise: Promise<T>,
  timeoutMs: number,
  expired = new Error(`no answer within ${timeoutMs} ms`),
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(expired);
    }, timeoutMs);
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}
