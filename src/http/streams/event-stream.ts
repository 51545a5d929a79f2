import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { FormattedExecutionResult } from "graphql";
import type { Subscribed } from "../../graphql/subscriptions.js";
import { HttpError, begin, giveUpUnread, SAFE } from "../answer.js";
import { isPreflighted, becameKnown } from "../admission.js";
import { isJson, parseJson, takeBodies } from "../body.js";
import { parseParameters } from "../graphql/door.js";
import { refusalOf } from "../refusal.js";
import { SLOW_READER, type Stream } from "./open-streams.js";
import { readOperation } from "./operation.js";
import type { AdmitPage } from "./page-origins.js";
import type { StreamHolder } from "./stream-holder.js";
import type { StreamsOptions } from "./websocket-session.js";

export interface EventStreamsOptions extends StreamsOptions {
  readonly admitPage: AdmitPage;
}

/** Where a request keeps the holder of its credential until its body is read. */
const HOLDER = "holder";

/**
 * GraphQL operations over server-sent events: the distinct connections mode of the GraphQL over SSE protocol, one
 * request for each operation.
 *
 * Written here because all that the handler of graphql-sse sends goes through a queue of its own without a bound, which it
 * fills as fast as the log grows: "is cut over SSE, told so behind what it has not read, and sent no more"
 * (test/http/slow-reader.test.ts). It also reads `variables` by JSON.parse and knows no `documentId`.
 */
export function eventStreams(app: FastifyInstance, options: EventStreamsOptions): void {
  const { readiness, admitStream } = options;
  takeBodies(app);
  app.decorateRequest(HOLDER, null);
  app.addHook("onRequest", async (request) => {
    readiness.requireOpen();
    const token = request.method === "GET" ? searchOf(request).get("token") : null;
    const asker = { headers: request.headers, address: request.ip, ...(token !== null && { token }) };
    const holder = await admitStream(asker);
    becameKnown(request, holder.credential);
    request.setDecorator(HOLDER, holder);
    if (request.method === "GET") requireOwnPage(request, options.admitPage);
    else if (!isJson(request)) throw new HttpError("UNSUPPORTED_MEDIA_TYPE", "send the operation as application/json");
  });
  app.route({
    ...{ method: ["GET", "POST"], url: "/graphql", constraints: { events: true } },
    handler: async (request, reply) => {
      const { raw } = reply;
      const { logger, streams, operations } = options;
      const operation = readOperation(parameters(request));
      const stream = streams.open(request.getDecorator<StreamHolder>(HOLDER));
      raw.once("close", () => {
        stream.end();
      });
      try {
        const isSafe = request.method === "GET";
        const bodyBytes = Buffer.isBuffer(request.body) ? request.body.length : 0;
        const origin = { headers: request.headers, requestId: request.id, address: request.ip, isSafe, bodyBytes };
        const subscribed = await operations.start(operation, stream, origin);
        await sendEvents(subscribed, begin(reply, HEAD), { stream, ...streams.limits });
        giveUpUnread(reply, streams.limits.slowMs);
      } catch (error) {
        if (!raw.headersSent) throw error;
        refusalOf(error, logger.child({ requestId: request.id }));
        raw.destroy();
      } finally {
        stream.end();
      }
      return reply;
    },
  });
}

/**
 * A web page can send a simple request (Fetch standard, "CORS-safelisted") anywhere without asking. It could not read the
 * stream, but it could take all there are; so only requests are taken that a browser asks leave for first, and those of
 * an EventSource, which can set no header, on a page that may read it: the browser says where it is (RFC 6454 section 7,
 * Fetch metadata section 2.1).
 */
function requireOwnPage({ headers }: FastifyRequest, admitPage: AdmitPage): void {
  if (isPreflighted(headers)) return;
  const isOwn = headers.origin === undefined ? headers["sec-fetch-site"] === "same-origin" : admitPage(headers);
  if (isOwn) return;
  const named = "or has to come from a page of this gateway, or of a site in AUDITQL_CORS_ORIGINS";
  throw new HttpError(
    "BAD_REQUEST",
    `a stream by GET needs a bearer token or the header apollo-require-preflight: 1, ${named}; or use POST`,
  );
}

function searchOf({ url }: FastifyRequest): URLSearchParams {
  return new URLSearchParams(url.slice("/graphql".length));
}

function parameters(request: FastifyRequest): unknown {
  if (request.method === "POST") return parseParameters(request.body);
  const search = searchOf(request);
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

/**
 * Errors of the request are sent as an event, because the protocol's clients treat any other status as a lost network.
 */
async function sendEvents(subscribed: Subscribed, response: ServerResponse, sending: Sending): Promise<void> {
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

/** Writes, and waits while the client does not read. Returns false if that takes too long. */
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

/** The reason is queued behind what the client has not read; a client that never reads is not waited for. */
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
