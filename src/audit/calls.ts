import { AuditError, withOutcome, type WriteOutcome } from "./errors.js";

/** A port with some of its methods replaced; the others run on the port itself, private fields included. */
export function replaced<T extends object>(port: T, methods: Partial<T>): T {
  return wrapped(port, (name, call) => {
    const replacement: unknown = Reflect.get(methods, name);
    return typeof replacement === "function" ? (...args) => Reflect.apply(replacement, methods, args) as unknown : call;
  });
}

export type Call = (...args: readonly unknown[]) => unknown;

/** A port with each of its methods wrapped on first call; other members are read from the port. */
export function wrapped<T extends object>(port: T, wrap: (name: string, call: Call) => Call): T {
  const calls = new Map<string, Call>();
  return new Proxy(port, {
    get(target, name) {
      const known = typeof name === "string" ? calls.get(name) : undefined;
      if (known !== undefined) return known;
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || typeof name !== "string") return member;
      const call = wrap(name, (...args) => Reflect.apply(member, target, args) as unknown);
      calls.set(name, call);
      return call;
    },
  });
}

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

/** Settles like the write. An UNAVAILABLE error without an outcome gets `otherwise`. */
export async function outcomeKnown<Result>(write: Promise<Result>, otherwise: WriteOutcome): Promise<Result> {
  try {
    return await write;
  } catch (error) {
    const isOpen = error instanceof AuditError && error.code === "UNAVAILABLE" && error.outcome === undefined;
    throw isOpen ? withOutcome(error, otherwise) : error;
  }
}
