import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

const HEADER = "x-request-id";
/** Nothing that could break out of a line of a log, in whatever it is read with. */
const GOOD_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Names the request as its sender did, or anew, and tells the sender. */
export function nameRequest({ headers }: IncomingMessage, response: ServerResponse): void {
  const sent = headers[HEADER];
  response.setHeader(HEADER, typeof sent === "string" && GOOD_ID.test(sent) ? sent : randomUUID());
}

/** The name of the request that is answered. */
export function requestId(response: ServerResponse): string {
  return String(response.getHeader(HEADER));
}
