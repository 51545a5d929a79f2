import { timeText } from "../../audit/clock.js";
import { headersOf, type Refusal } from "../refusal.js";
import { jsonAnswer, type Answer } from "../answer.js";
import type { Outcome } from "./endpoint.js";
import { newRequestId } from "./request-id.js";
import { wireFailure } from "./status.js";

/** A request of the protocol when it arrives. */
export interface Arrival {
  readonly requestId: string;
  readonly requestTime: string;
}

const ACCEPTED = 202;
/** How long an accepted request can be polled, as its answer says; the log keeps its receipt for ever. */
const TTL_MINUTES = 2_880;

export function arrival(nowMs: number): Arrival {
  return { requestId: newRequestId(nowMs), requestTime: wireTime(nowMs) };
}

/** What an endpoint has done, in the six members that every answer but a document has (protocol section 1.2), and no others. */
export function outcomeAnswer(outcome: Outcome, { requestTime, requestId }: Arrival, baseUrl: string): Answer {
  if (outcome.kind === "document") return jsonAnswer(200, outcome.document, { "x-request-id": requestId });
  if (outcome.kind === "success") {
    const { summary, result } = outcome;
    return enveloped(200, {
      requestId: outcome.requestId ?? requestId,
      requestTime,
      status: "Success",
      summary,
      result,
    });
  }
  const { requestId: polled } = outcome;
  const result = { ttl_mins: TTL_MINUTES, retry_counter: 0, location: `${baseUrl}/request/${polled}` };
  const summary = "Your request is in progress: use 'result.location' to poll for its results";
  return enveloped(ACCEPTED, { requestId: polled, requestTime, status: "Accepted", summary, result });
}

export function refusalAnswer(refusal: Refusal, { requestId, requestTime }: Arrival): Answer {
  const { http, status, summary, result } = wireFailure(refusal);
  const { headers, ...answer } = enveloped(http, { requestId, requestTime, status, summary, result });
  return { ...answer, headers: { ...headers, ...headersOf(refusal) } };
}

interface Enveloped extends Arrival {
  readonly status: string;
  readonly summary: string;
  readonly result: object | null;
}

function enveloped(http: number, { requestId, requestTime, status, summary, result }: Enveloped): Answer {
  const times = { request_time: requestTime, response_time: wireTime(Date.now()) };
  return jsonAnswer(http, { request_id: requestId, ...times, status, summary, result }, { "x-request-id": requestId });
}

function wireTime(nowMs: number): string {
  return timeText(nowMs * 1_000);
}
