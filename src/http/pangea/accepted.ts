import { AuditError } from "../../audit/errors.js";
import { JsonTokens } from "../../keys/sealed-token.js";
import { bulkOutcome, bulkRequest } from "./log.js";
import type { Ask, Outcome } from "./endpoint.js";
import { exportBody } from "./requests.js";
import { bodiesOf, configOf } from "./config.js";
import { selected } from "./search.js";

/** An accepted request: a bulk request that is logged, or the whole result of a window. */
export type Accepted =
  | {
      readonly kind: "bulk";
      /** `BulkRequest.id`. */
      readonly id: string;
      readonly verbose: boolean;
    }
  | {
      readonly kind: "export";
      /** `PinnedResult.id`. */
      readonly id: string;
    };

const PREFIX = "prq_";

interface SealedRequest {
  /** The credential that made it; no other may poll it. */
  readonly owner: string;
  readonly accepted: Accepted;
}

const IDS = new JsonTokens<SealedRequest>("pangea-request", 1);

/**
 * POST /v2/log_async. Answered when the events are logged: what is accepted is durable, and the first poll has its result,
 * from any gateway.
 */
export async function serveLogAsync(ask: Ask): Promise<Outcome> {
  const body = (await bodiesOf(ask)).logBulk(ask.body);
  const { id } = await ask.service.appendLater(await bulkRequest(ask, body));
  return { kind: "accepted", requestId: sealed(ask, { kind: "bulk", id, verbose: body.verbose ?? false }) };
}

/** POST /v1/export. The entries are read when they are downloaded; what is accepted is pinned. */
export async function serveExport(ask: Ask): Promise<Outcome> {
  const body = exportBody(ask.body);
  const { log } = await configOf(ask, body.config_id);
  const { result } = await ask.service.search({ log, query: "", ...selected(body) }, { first: 0 });
  return { kind: "accepted", requestId: sealed(ask, { kind: "export", id: result.id }) };
}

/** GET /request/{id}: the response that the request would have had. */
export async function servePoll(ask: Ask, id: string): Promise<Outcome> {
  const accepted = openRequest(ask, id);
  if (accepted.kind === "export")
    return { kind: "success", summary: "Exported: download it by its request_id", result: {}, requestId: id };
  const request = await ask.service.bulkRequest(accepted.id);
  if (request === undefined) throw noRequest();
  return { ...bulkOutcome(request.logged, accepted.verbose), requestId: id };
}

function sealed({ principal, shared }: Ask, accepted: Accepted): string {
  return PREFIX + IDS.seal(shared.sealer, { owner: principal.id, accepted });
}

/** The request with this id. Throws NOT_FOUND for any other text, and FORBIDDEN for another credential's request. */
export function openRequest({ principal, shared }: Ask, id: string): Accepted {
  const opened = IDS.open(shared.sealer, id.startsWith(PREFIX) ? id.slice(PREFIX.length) : "");
  if (opened.kind === "rejected") throw noRequest();
  const { owner, accepted } = opened.content;
  if (owner === principal.id) return accepted;
  throw new AuditError("FORBIDDEN", "the request was made with another credential: poll it with that one");
}

function noRequest(): AuditError {
  return new AuditError("NOT_FOUND", "there is no such request: poll the location of its 202, as it was");
}
