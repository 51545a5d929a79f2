import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FormattedExecutionResult } from "graphql";
import type { Subscribed } from "../graphql/subscriptions.js";
import { HttpError, SAFE } from "./answer.js";
import { parseJson, parseParameters, readBody } from "./body.js";
import { SLOW_READER, type OpenStreams, type Stream } from "./open-streams.js";
import { readOperation } from "./operation.js";
import type { RecordedSubscriptions } from "./recorded-subscriptions.js";
import { requestId } from "./request-id.js";
import type { AdmitStream } from "./stream-admission.js";

export interface EventStreamOptions {
  readonly subscriptions: RecordedSubscriptions;
  readonly streams: OpenStreams;
  readonly admitStream: AdmitStream;
  readonly maxBodyBytes: number;
}

/** Whether the client wants a stream and nothing else; one that names JSON as well can do without. */
export function wantsEvents({ headers }: IncomingMessage): boolean {
  const { accept = "" } = headers;
  return accept.includes("text/event-stream") && !accept.includes("json");
}

/**
 * GraphQL subscriptions over server-sent events: the distinct connections mode of the GraphQL over SSE protocol, one
 * request for each subscription. Rejects with HttpError before the stream begins.
 */
export function eventStreamEndpoint({ subscriptions, streams, admitStream, maxBodyBytes }: EventStreamOptions) {
  return async (request: IncomingMessage, response: ServerResponse, search: string): Promise<void> => {
    const holder = await admitStream(request.headers);
    const operation = readOperation(await parameters(request, search, maxBodyBytes));
    const stream = streams.open(holder);
    response.once("close", () => {
      stream.end();
    });
    try {
      const origin = { headers: request.headers, requestId: requestId(response) };
      await send(await subscriptions.subscribe(operation, stream, origin), response, { stream, ...streams.limits });
    } finally {
      stream.end();
    }
  };
}

/**
 * A web page can send a simple request (Fetch standard, "CORS-safelisted") anywhere without asking. It could not read the
 * stream, but it could take all there are; so only requests are taken that a browser asks leave for first.
 */
async function parameters(request: IncomingMessage, search: string, maxBodyBytes: number): Promise<unknown> {
  if (request.method === "GET") {
    if (!request.headers["apollo-require-preflight"]) {
      throw new HttpError(400, "a stream by GET needs the header apollo-require-preflight: 1; or use POST");
    }
    return searchParameters(new URLSearchParams(search));
  }
  const [type = ""] = (request.headers["content-type"] ?? "").split(";", 1);
  if (type.trim().toLowerCase() !== "application/json")
    throw new HttpError(415, "send the operation as application/json");
  return parseParameters(await readBody(request, maxBodyBytes));
}

function searchParameters(search: URLSearchParams): unknown {
  const parsed = (name: string) => {
    const text = search.get(name);
    return text === null ? undefined : parseJson(Buffer.from(text));
  };
  return { ...Object.fromEntries(search), variables: parsed("variables"), extensions: parsed("extensions") };
}

/** `x-accel-buffering` lets the proxies that know it pass on events as they come. */
const HEAD = { ...SAFE, "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };
const ALIVE = ":\n\n";
const COMPLETE = "event: complete\ndata:\n\n";

interface Sending {
  readonly stream: Stream;
  readonly slowMs: number;
  readonly keepAliveMs: number;
}

/** What is wrong with the request comes as an event, for the protocol's clients take any other status for a lost network. */
async function send(subscribed: Subscribed, response: ServerResponse, sending: Sending): Promise<void> {
  response.writeHead(200, HEAD);
  response.write(ALIVE);
  if (subscribed.kind === "refused") {
    response.end(eventText({ errors: subscribed.errors }) + COMPLETE);
    return;
  }
  const keepAlive = setInterval(() => {
    if (!response.writableNeedDrain) response.write(ALIVE);
  }, sending.keepAliveMs);
  try {
    for await (const event of subscribed.events) {
      if (!(await isTaken(response, eventText(event), sending))) {
        cut(response, sending.slowMs);
        return;
      }
    }
    response.end(COMPLETE);
  } finally {
    clearInterval(keepAlive);
  }
}

function eventText(result: FormattedExecutionResult): string {
  return `event: next\ndata: ${JSON.stringify(result)}\n\n`;
}

/** Writes, and waits while the client does not read. False when that takes too long. */
async function isTaken(response: ServerResponse, text: string, { stream, slowMs }: Sending): Promise<boolean> {
  if (response.write(text)) return true;
  const slow = AbortSignal.timeout(slowMs);
  try {
    await once(response, "drain", { signal: AbortSignal.any([slow, stream.signal]) });
    return true;
  } catch {
    return stream.signal.aborted;
  }
}

/** The reason waits behind what the client has not read; a client that never does is not waited for. */
function cut(response: ServerResponse, slowMs: number): void {
  const error = { message: SLOW_READER, extensions: { code: "SLOW_READER" } };
  response.end(eventText({ errors: [error] }) + COMPLETE);
  const timer = setTimeout(() => {
    response.destroy();
  }, slowMs);
  response.once("close", () => {
    clearTimeout(timer);
  });
}
