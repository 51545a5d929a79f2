import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { OperationTypeNode } from "graphql";
import type { MakeLink } from "../../audit/download-link.js";
import { AuditError } from "../../audit/errors.js";
import type { TokenSealer } from "../../keys/sealed-token.js";
import { becameKnown, traceIdOf, type Admit, type Caller } from "../admission.js";
import { send, type Answer } from "../answer.js";
import { parseJson, requireJsonBody, requirePlain, takeBodies } from "../body.js";
import { lifetime, OperationRecord, interruptible, type Records } from "../graphql/operation.js";
import type { Readiness } from "../server.js";
import { refusalOf, type Refusals } from "../refusal.js";
import { refuseWith } from "../refusing.js";
import { serveExport, serveLogAsync, servePoll } from "./accepted.js";
import { serveDownload } from "./download.js";
import type { Ask, Endpoint, Shared } from "./endpoint.js";
import { arrival, outcomeAnswer, refusalAnswer, type Arrival } from "./envelope.js";
import { KnownRoots } from "./known-roots.js";
import { serveLog, serveLogBulk } from "./log.js";
import { serveLogStream } from "./log-stream.js";
import { firstTry } from "./request-id.js";
import { serveRoot } from "./roots.js";
import { serveOpenApi, serveSchema } from "./schema.js";
import { serveResults, serveSearch } from "./search.js";

export interface PangeaDoorOptions extends Records {
  readonly admit: Admit;
  /** The logs of format `pangea` that this gateway keeps. */
  readonly logs: readonly string[];
  readonly sealer: TokenSealer;
  readonly downloadLinks: (caller: Caller) => MakeLink;
  /** Where clients find this gateway, without a trailing slash; empty: where they asked. */
  readonly baseUrl: () => string;
  /** How long a request may be served. */
  readonly requestTimeoutMs: number;
  readonly readiness: Readiness;
  readonly refusals: Refusals;
  readonly maxBodyBytes: number;
  /** How long a client may leave sent data unread. */
  readonly slowMs: number;
}

const { QUERY, MUTATION } = OperationTypeNode;

const ENDPOINTS: readonly Endpoint[] = [
  { url: "/v1/log", type: MUTATION, serve: serveLog },
  { url: "/v2/log", type: MUTATION, serve: serveLogBulk },
  { url: "/v1/search", type: QUERY, serve: serveSearch },
  { url: "/v1/results", type: QUERY, serve: serveResults },
  { url: "/v2/log_async", type: MUTATION, serve: serveLogAsync },
  { url: "/v1/export", type: QUERY, serve: serveExport },
  { url: "/v1/download_results", type: QUERY, serve: serveDownload },
  { url: "/v1/log_stream", type: MUTATION, serve: serveLogStream },
  { url: "/v1/schema", type: QUERY, serve: serveSchema },
  { url: "/v1/openapi.json", type: QUERY, serve: serveOpenApi },
  { url: "/v1/root", type: QUERY, serve: serveRoot },
];

/**
 * Answers for the rest of the protocol: tells an SDK in the protocol's own words that this gateway does not serve it.
 */
const ELSEWHERE = ["/v1/*", "/v1beta/*", "/v2/*", "/request/*"];

/** Where a request keeps its caller, its id and its time until it is answered. */
const CALLER = "caller";
const ARRIVAL = "arrival";

/**
 * The Pangea Secure Audit Log REST protocol over logs of format `pangea`, for its SDKs as they are (docs/pangea.md). Every
 * answer of this door, refusals too, is an envelope of the protocol in JSON.
 */
export function pangeaDoor(app: FastifyInstance, options: PangeaDoorOptions): void {
  const { admit, readiness, logs, sealer } = options;
  const shared: Shared = { logs, sealer, knownRoots: new KnownRoots() };
  takeBodies(app, (request) => request.getDecorator<Caller>(CALLER).principal.id);
  app.decorateRequest(CALLER, null);
  app.decorateRequest(ARRIVAL, null);
  app.addHook("onRequest", async (request, reply) => {
    const arrived = arrival(Date.now());
    request.setDecorator(ARRIVAL, arrived);
    reply.header("x-request-id", arrived.requestId);
    readiness.requireOpen();
    const caller = await admit(request.headers);
    becameKnown(request, caller.principal.id);
    request.setDecorator(CALLER, caller);
    requirePlain(request.headers);
    // Browsers send bodies of other types for any page, without a preflight.
    if (request.method === "POST") requireJsonBody(request);
  });
  refuseWith(app, options, {
    entranceOf: () => "pangea",
    requestIdOf: (request) => request.getDecorator<Arrival>(ARRIVAL).requestId,
    answer: (refusal, request) => refusalAnswer(refusal, request.getDecorator<Arrival>(ARRIVAL)),
  });
  for (const endpoint of ENDPOINTS)
    app.post(endpoint.url, (request, reply) => serve(request, reply, { endpoint, shared, options }));
  app.get<{ Params: { readonly id: string } }>("/request/:id", (request, reply) => {
    const { id } = request.params;
    const endpoint: Endpoint = { url: "/request/{id}", type: QUERY, serve: (ask) => servePoll(ask, id) };
    return serve(request, reply, { endpoint, shared, options });
  });
  for (const url of ELSEWHERE)
    app.all(url, () => {
      throw new AuditError(
        "NOT_FOUND",
        "this gateway has no such endpoint of the Pangea protocol, or not with this method: docs/pangea.md lists them",
      );
    });
}

interface Serving {
  readonly endpoint: Endpoint;
  readonly shared: Shared;
  readonly options: PangeaDoorOptions;
}

async function serve(request: FastifyRequest, reply: FastifyReply, serving: Serving): Promise<FastifyReply> {
  const { endpoint, options } = serving;
  const body: unknown = Buffer.isBuffer(request.body) && request.body.length > 0 ? parseJson(request.body) : undefined;
  const arrived = request.getDecorator<Arrival>(ARRIVAL);
  const { requestId } = arrived;
  const ask = askOf(request, reply, { ...serving, body });
  const record = new OperationRecord(options, {
    credential: ask.principal.id,
    requestId,
    traceId: traceIdOf(request.headers),
  });
  record.resolved({ name: `pangea ${endpoint.url}`, type: endpoint.type });
  let answer: Answer;
  try {
    answer = outcomeAnswer(await endpoint.serve(ask), arrived, ask.baseUrl);
    record.answered("OK", undefined);
  } catch (error) {
    const refusal = refusalOf(error, options.logger.child({ requestId }));
    record.answered(refusal.code, undefined);
    answer = refusalAnswer(refusal, arrived);
  }
  return send(reply, answer, options.slowMs);
}

function askOf(request: FastifyRequest, reply: FastifyReply, serving: Serving & { readonly body: unknown }): Ask {
  const { shared, options, body } = serving;
  const { principal, service } = request.getDecorator<Caller>(CALLER);
  const { requestId } = request.getDecorator<Arrival>(ARRIVAL);
  const served = interruptible(service, lifetime(reply.raw, options.requestTimeoutMs));
  const first = firstTry(requestId, request.headers["x-pangea-retried-request-ids"]);
  const baseUrl = options.baseUrl();
  return {
    ...{ body, principal, requestId, shared },
    service: served,
    key: { idempotencyKey: `pangea:${first}`, isNewKey: first === requestId },
    baseUrl: baseUrl === "" ? `${request.protocol}://${request.host}` : baseUrl,
    downloadLink: options.downloadLinks({ principal, service: served }),
  };
}
