import type { ServerResponse } from "node:http";
import { AuditError } from "../../audit/errors.js";

const RETRY_AFTER_MS = 1_000;

/** Aborts, with an AuditError as its reason, when the answer takes too long or its client no longer waits for it. */
export function lifetime(response: ServerResponse, timeoutMs: number): AbortSignal {
  const { signal, end, leave } = deadline(timeoutMs);
  response.once("close", () => {
    end();
    if (!response.writableFinished) leave();
  });
  return signal;
}

interface StreamLifetime {
  readonly signal: AbortSignal;
  readonly end: () => void;
}

/** The same for an answer over a stream, whose client no longer waits when the stream has ended. Call `end` after it. */
export function streamLifetime(stream: AbortSignal, timeoutMs: number): StreamLifetime {
  const { signal, end, leave } = deadline(timeoutMs);
  if (stream.aborted) leave();
  stream.addEventListener("abort", leave, { once: true });
  return { signal, end };
}

function deadline(timeoutMs: number) {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const message = `the request took longer than ${timeoutMs} ms and was stopped`;
    controller.abort(new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS }));
  }, timeoutMs);
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
    },
    leave: () => {
      controller.abort(new AuditError("UNAVAILABLE", "the client has gone away"));
    },
  };
}
