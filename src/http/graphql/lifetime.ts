import type { ServerResponse } from "node:http";
import { AuditError } from "../../audit/errors.js";

const RETRY_AFTER_MS = 1_000;

/** Aborts, with an AuditError as its reason, when the answer takes too long or its client no longer waits for it. */
export function lifetime(response: ServerResponse, timeoutMs: number): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const message = `the request took longer than ${timeoutMs} ms and was stopped`;
    controller.abort(new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS }));
  }, timeoutMs);
  response.once("close", () => {
    clearTimeout(timer);
    if (!response.writableFinished) controller.abort(new AuditError("UNAVAILABLE", "the client has gone away"));
  });
  return controller.signal;
}
