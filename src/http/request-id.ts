import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

/** The header that carries it. */
export const REQUEST_ID = "x-request-id";
/** Nothing that could break out of a line of a log, in whatever it is read with. */
const GOOD_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The name that the request's sender gave it, or a new one. */
export function nameOf({ headers }: IncomingMessage): string {
  const sent = headers[REQUEST_ID];
  return typeof sent === "string" && GOOD_ID.test(sent) ? sent : randomUUID();
}

/** Names the request, and tells its sender. */
export function nameRequest(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader(REQUEST_ID, nameOf(request));
}

/** The name of the request that is answered. */
export function requestId(response: ServerResponse): string {
  return String(response.getHeader(REQUEST_ID));
}
