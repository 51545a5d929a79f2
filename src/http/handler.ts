import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { AuditError } from "../audit/errors.js";
import { errorAnswer, failureAnswer, HttpError, jsonAnswer, redirect, send, type Answer } from "./answer.js";
import { downloadEndpoint, DOWNLOADS_PATH, type DownloadEndpointOptions } from "./download.js";
import { eventStreamEndpoint, wantsEvents, type EventStreamOptions } from "./event-stream.js";
import { graphqlEndpoint, type GraphqlEndpointOptions } from "./graphql.js";
import { readBody } from "./body.js";
import { metricsPage, type MetricsPageOptions } from "./metrics-page.js";
import type { Entrance } from "./refusals.js";
import { nameRequest, requestId } from "./request-id.js";
import type { Readiness } from "./readiness.js";
import type { Cors } from "./cors.js";
import type { StaticFiles } from "./static-files.js";
import { httpError } from "./unexpected.js";

export interface HandlerOptions
  extends GraphqlEndpointOptions, EventStreamOptions, MetricsPageOptions, DownloadEndpointOptions {
  readonly graphiql: StaticFiles;
  readonly readiness: Readiness;
  readonly cors: Cors;
  readonly logger: Logger;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The gateway's whole HTTP surface. Never throws: an unexpected failure is logged and answered with 500. */
export function httpHandler(options: HandlerOptions): Handler {
  const graphql = graphqlEndpoint(options);
  const eventStream = eventStreamEndpoint(options);
  const download = downloadEndpoint(options);
  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { path, search } = target(request);
    allowMethods(request, path === "/graphql" ? ["GET", "POST"] : ["GET", "HEAD"]);
    const isServed = path === "/graphql" || path.startsWith(DOWNLOADS_PATH);
    if (isServed && options.readiness.isDraining) await turnAway(request, options.maxBodyBytes);
    if (path === "/graphql" && wantsEvents(request)) await eventStream(request, response, search);
    else if (path === "/graphql") await graphql(request, response, search);
    else if (path.startsWith(DOWNLOADS_PATH)) await download(request, response, path.slice(DOWNLOADS_PATH.length));
    else send(response, await page(request, path, options));
  };
  return (request, response) => {
    nameRequest(request, response);
    if (options.cors(request, response)) return;
    void route(request, response)
      .catch((error: unknown) => {
        fail(request, response, { error, ...options });
      })
      .then(() => {
        giveUpUnread(response, options.slowMs);
      });
  };
}

/** What its client has not taken of an answer is kept in memory for no longer than it takes nothing at all. */
function giveUpUnread(response: ServerResponse, slowMs: number): void {
  if (response.writableFinished) return;
  response.setTimeout(slowMs, () => response.destroy());
}

/** Splits the request's target; it is compared with known paths only, so it needs no decoding. */
function target({ url = "/" }: IncomingMessage): { readonly path: string; readonly search: string } {
  const mark = url.indexOf("?");
  return mark < 0 ? { path: url, search: "" } : { path: url.slice(0, mark), search: url.slice(mark) };
}

function allowMethods({ method = "GET" }: IncomingMessage, allowed: readonly string[]): void {
  if (allowed.includes(method)) return;
  const allow = allowed.join(", ");
  throw new HttpError(405, `${method} is not possible here: use ${allow}`, { allow });
}

/** Nothing was done for the request, and its sender is told so: the body is read, or the connection would be reset. */
async function turnAway(request: IncomingMessage, maxBodyBytes: number): Promise<never> {
  await readBody(request, maxBodyBytes);
  throw new HttpError(503, "the gateway is stopping, nothing was done: send it again", { "retry-after": "1" });
}

async function page(request: IncomingMessage, path: string, options: HandlerOptions): Promise<Answer> {
  switch (path) {
    case "/":
    case "/graphiql":
      return redirect("/graphiql/");
    case "/healthz":
      return jsonAnswer(200, { status: "up" });
    case "/readyz":
      return options.readiness.answer();
    case "/metrics":
      return metricsPage(request, options);
    default:
      return graphiqlFile(path, options.graphiql);
  }
}

function graphiqlFile(path: string, files: StaticFiles): Answer {
  const file = path.startsWith("/graphiql/") ? files.get(path.slice("/graphiql/".length)) : undefined;
  if (file !== undefined) return file;
  const notBuilt = path === "/graphiql/" && files.size === 0;
  const message = notBuilt
    ? "GraphiQL is not built here: run npm run build:graphiql. The API is at /graphql"
    : "nothing here: the API is at /graphql, GraphiQL at /graphiql/";
  throw new HttpError(404, message);
}

interface Failure extends Pick<HandlerOptions, "logger" | "refusals"> {
  readonly error: unknown;
}

/** An answer that has begun breaks off; what is known of its end is recorded by whoever began it. */
function fail(request: IncomingMessage, response: ServerResponse, { error, logger, refusals }: Failure): void {
  const id = requestId(response);
  const expected = error instanceof AuditError ? error : httpError(error, logger.child({ requestId: id }));
  const answer = expected instanceof HttpError ? errorAnswer(expected) : failureAnswer(expected);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { path } = target(request);
  refusals.add({ entrance: entranceOf(path), code: expected.code, status: answer.status, requestId: id });
  if (response.destroyed) return;
  send(response, answer);
}

function entranceOf(path: string): Entrance {
  if (path.startsWith(DOWNLOADS_PATH)) return "downloads";
  if (path === "/graphql") return "graphql";
  return path === "/metrics" ? "metrics" : "page";
}
