import type { IncomingHttpHeaders } from "node:http";
import Negotiator from "negotiator";
import { HttpError } from "./refusal.js";

/** The media types of answers to GraphQL requests, as GraphQL over HTTP names them (section 4). */
const JSON_TYPES = ["application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8"];

const HTML = "text/html";

/**
 * Throws HttpError 406 where a client would not take the answer: to be asked before anything is done for it, for a mutation
 * whose answer cannot be given would be done without its sender knowing (RFC 9110 section 12.5.1).
 */
export function requireJson(headers: IncomingHttpHeaders): void {
  const { accept } = headers;
  if (accept === undefined || new Negotiator({ headers: { accept } }).mediaType(JSON_TYPES) !== undefined) return;
  const offered = "application/json or application/graphql-response+json";
  throw new HttpError(
    "NOT_ACCEPTABLE",
    `the answer would be ${offered}, which the header Accept does not allow; nothing was done`,
  );
}

/** Whether a page is what the client would like best, as browsers do that are sent to an address. */
export function prefersHtml({ accept = "" }: IncomingHttpHeaders): boolean {
  return accept !== "" && new Negotiator({ headers: { accept } }).mediaType([...JSON_TYPES, HTML]) === HTML;
}

/**
 * Whether an answer may be gzipped: Accept-Encoding lists it, not with a weight of 0 (RFC 9110 section 12.5.3). A request
 * without the header would take every encoding by the RFC; but it is that of a program that saves what comes as it comes.
 */
export function allowsGzip(headers: IncomingHttpHeaders): boolean {
  const accepted = [headers["accept-encoding"] ?? []].flat().join(",");
  return new Negotiator({ headers: { "accept-encoding": accepted } }).encodings(["gzip"]).length > 0;
}
