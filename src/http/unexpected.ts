import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { HttpError } from "./answer.js";

/**
 * What a client is told of a failure: what was written for it, or an id under which the gateway's log has where the
 * failure was thrown. What it said stays out of both, for that may hold a payload.
 */
export function httpError(error: unknown, logger: Logger): HttpError {
  if (error instanceof HttpError) return error;
  const id = randomUUID();
  const at = error instanceof Error ? error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) : undefined;
  logger.error({ id, kind: error instanceof Error ? error.name : typeof error, at }, "http request failed");
  return new HttpError(500, `unexpected error; the gateway's log has it under ${id}`);
}
