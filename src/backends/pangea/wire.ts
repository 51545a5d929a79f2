import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { AuditError, hasCode, type WriteOutcome } from "../../audit/errors.js";
import { isPlainObject, type Json } from "../../core/json.js";
import { parseLossless } from "../../core/lossless-json.js";
import { errorOf, type Refusal } from "./refusals.js";

export interface WireOptions {
  /** Where the service is, such as `https://audit.aws.us.pangea.cloud`; may have a path, which all calls get. */
  readonly baseUrl: string;
  readonly token: string;
  /** How long a call may take with all its tries and polls. Default 60,000. */
  readonly timeoutMs?: number;
  /** The first pause before another try or poll; each is twice the one before it, up to 8 s. Default 500. */
  readonly pauseMs?: number;
  /** The largest answer that is read. Default 64 MiB: a page of the longest entries. */
  readonly maxAnswerBytes?: number;
}

export interface CallOptions {
  /** Whether the call stores events: then an error says what became of them. Default false. */
  readonly isWrite?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A finished call. Members that this gateway does not know are kept. */
export interface Answer {
  readonly requestId: string;
  readonly result: Readonly<Record<string, unknown>>;
}

const TIMEOUT_MS = 60_000;
const PAUSE_MS = 500;
/** Also what a client is told to wait at most where the service does not say how long. */
export const LONGEST_PAUSE_MS = 8_000;
const MAX_ANSWER_BYTES = 64 * 1_024 * 1_024;
const CONNECTIONS = 32;
/** Protocol section 1.3: as the service's own SDKs do. */
const TRIES = 4;
const RETRIED = new Set([500, 502, 503, 504]);
/** What a poll may respond before the accepted request is done: all but 202 say something of the poll only. */
const UNFINISHED = new Set([202, 404, 429, ...RETRIED]);
/** Right after a 202 the service may not know the request yet (section 1.5). */
const UNKNOWN_POLLS = 3;
/** A service may seal into an id what it has to know of the request, as that of this project does. */
const REQUEST_ID = /^[A-Za-z0-9_-]{1,1024}$/;

interface HttpRequest {
  readonly method: "POST" | "GET";
  readonly path: string;
  readonly body?: string;
}

/** What came back over HTTP; `text` is complete. */
interface HttpAnswer {
  readonly httpStatus: number;
  readonly text: string;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
}

/** A try that failed below HTTP. `isSent` is false when the service cannot have seen it. */
interface Cut {
  readonly kind: "cut";
  readonly cause: unknown;
  readonly isSent: boolean;
  /** Whether the head of a 2xx had come: then the service did what was asked. */
  readonly isDone: boolean;
}

type Tried = Cut | ({ readonly kind: "answered" } & HttpAnswer);

/** How a call is going: how long it may go on, and what may have become of its events. */
interface Going {
  readonly signal: AbortSignal;
  readonly isWrite: boolean;
  /** Whether a try that failed may have stored the events. */
  isDoubtful: boolean;
  /** Whether the service has accepted the events and is to say later what became of them. */
  isAccepted: boolean;
}

/**
 * The Pangea protocol over HTTP, section 1: retries what failed with 5xx or below HTTP and nothing after a 2xx, polls
 * what was accepted, and rejects with AuditError only, or with the reason of the caller's signal. A write that the service
 * may have stored is repeated only under the id of its failed try, by which the service knows it: else it might be logged
 * twice.
 */
export class PangeaWire {
  readonly #pool: Pool;
  readonly #prefix: string;

  constructor(private readonly options: WireOptions) {
    const { origin, pathname } = new URL(options.baseUrl);
    this.#prefix = pathname.replace(/\/+$/, "");
    this.#pool = new Pool(origin, {
      connections: CONNECTIONS,
      // Over HTTP/2, undici loses the answer on a connection that a proxy retires (GOAWAY), which leaves a write open; it bounds no
      // answer there, and sends no more POSTs at a time than over HTTP/1.1.
      allowH2: false,
      maxResponseSize: options.maxAnswerBytes ?? MAX_ANSWER_BYTES,
    });
  }

  /** Posts to an endpoint such as `/v1/log`, and polls the result if it is only accepted. */
  async call(endpoint: string, body: Json, options: CallOptions = {}): Promise<Answer> {
    const request = { method: "POST", path: endpoint, body: JSON.stringify(body) } as const;
    return this.#inTime(options, async (going) => this.#finished(await this.#tried(request, going), going));
  }

  /** The result of an accepted request if it is there; undefined while it is not. */
  async accepted(requestId: string, options: CallOptions = {}): Promise<Answer | undefined> {
    return this.#inTime(options, async (going) => {
      const answer = await this.#tried(pollOf(requestId), going);
      return answer.httpStatus === 202 ? undefined : readAnswer(answer, going);
    });
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #inTime<T>({ isWrite = false, signal }: CallOptions, run: (going: Going) => Promise<T>): Promise<T> {
    const timeoutMs = this.options.timeoutMs ?? TIMEOUT_MS;
    const expiry = AbortSignal.timeout(timeoutMs);
    try {
      const until = signal === undefined ? expiry : AbortSignal.any([signal, expiry]);
      return await run({ isWrite, signal: until, isDoubtful: false, isAccepted: false });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof AuditError || !expiry.aborted) throw error;
      throw cannotTell(`did not respond within ${timeoutMs / 1_000} s`, { isWrite, cause: error });
    }
  }

  async #finished(first: HttpAnswer, going: Going): Promise<Answer> {
    if (first.httpStatus !== 202) return readAnswer(first, going);
    const { requestId } = readEnvelope(first, going);
    going.isAccepted = true;
    let unknown = 0;
    let retryAfterMs: number | undefined;
    for (let poll = 0; ; poll++) {
      await this.#pause(poll, retryAfterMs, going);
      const answer = await this.#tried(pollOf(requestId), going);
      const { httpStatus } = answer;
      ({ retryAfterMs } = answer);
      if (httpStatus === 404 && ++unknown > UNKNOWN_POLLS) throw cannotTell("has lost what it had accepted", going);
      if (!UNFINISHED.has(httpStatus)) return readAnswer(answer, going);
    }
  }

  /** The first answer that is not to be tried again. */
  async #tried(request: HttpRequest, going: Going): Promise<HttpAnswer> {
    const failedIds: string[] = [];
    const isWrite = going.isWrite && request.method === "POST";
    for (let attempt = 1; ; attempt++) {
      const tried = await this.#once(request, failedIds, going.signal);
      let retryAfterMs: number | undefined;
      if (tried.kind === "answered") {
        const { httpStatus } = tried;
        if (!RETRIED.has(httpStatus) || attempt === TRIES) return tried;
        const id = serviceId(tried);
        if (isWrite && id === undefined) return tried;
        ({ retryAfterMs } = tried);
        going.isDoubtful ||= isWrite;
        if (id !== undefined) failedIds.push(id);
      } else {
        going.isDoubtful ||= isWrite && tried.isSent;
        going.signal.throwIfAborted();
        if (tried.isDone || attempt === TRIES || (isWrite && tried.isSent)) throw cutError(tried, going);
      }
      await this.#pause(attempt - 1, retryAfterMs, going);
    }
  }

  async #once({ method, path, body }: HttpRequest, failedIds: readonly string[], signal: AbortSignal): Promise<Tried> {
    let httpStatus: number | undefined;
    try {
      const {
        statusCode,
        headers,
        body: answer,
      } = await this.#pool.request({
        method,
        path: this.#prefix + path,
        signal,
        headers: {
          authorization: `Bearer ${this.options.token}`,
          "user-agent": "auditql",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(failedIds.length === 0 ? {} : { "x-pangea-retried-request-ids": failedIds.join(",") }),
        },
        ...(body === undefined ? {} : { body }),
      });
      httpStatus = statusCode;
      const text = await answer.text();
      const requestId = idIn(headers["x-request-id"]);
      return { kind: "answered", httpStatus, text, requestId, retryAfterMs: delayIn(headers["retry-after"]) };
    } catch (cause) {
      const isDone = httpStatus !== undefined && httpStatus < 300;
      return { kind: "cut", cause, isSent: !NEVER_SENT.some((code) => hasCode(cause, code)), isDone };
    }
  }

  async #pause(times: number, retryAfterMs: number | undefined, { signal }: Going): Promise<void> {
    const longest = Math.min((this.options.pauseMs ?? PAUSE_MS) * 2 ** times, LONGEST_PAUSE_MS);
    await sleep(Math.max(retryAfterMs ?? 0, longest * (0.75 + 0.25 * Math.random())), undefined, { signal });
  }
}

/** No connection was there to send over. */
const NEVER_SENT = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"];

function pollOf(requestId: string): HttpRequest {
  return { method: "GET", path: `/request/${requestId}` };
}

/** Throws the error of a refusal, or of an answer that is not the protocol's. */
function readAnswer(answer: HttpAnswer, going: Going): Answer {
  const { requestId, status, summary, result } = readEnvelope(answer, going);
  if (answer.httpStatus === 200 && status === "Success")
    return { requestId, result: isPlainObject(result) ? result : {} };
  throw refused({ ...answer, status, summary, result }, going);
}

function refused(refusal: Refusal, going: Going): AuditError {
  return errorOf(refusal, { outcome: outcomeOf(refusal.httpStatus, going), isRepeated: going.isDoubtful });
}

/** The service's id of a try; undefined where something else responded, whose id says nothing to the service. */
function serviceId({ text }: HttpAnswer): string | undefined {
  const parsed = parsedOr(text, undefined);
  return isPlainObject(parsed) && typeof parsed["status"] === "string" ? idIn(parsed["request_id"]) : undefined;
}

interface ReadEnvelope extends Pick<Refusal, "status" | "summary" | "result"> {
  readonly requestId: string;
}

/** Section 1.2, of which every member may be missing in an error of a proxy. */
function readEnvelope({ text, httpStatus, requestId, retryAfterMs }: HttpAnswer, going: Going): ReadEnvelope {
  const parsed = parsedOr(text, undefined);
  if (isPlainObject(parsed) && typeof parsed["status"] === "string") {
    const { status, summary, result } = parsed;
    const id = idIn(parsed["request_id"]) ?? requestId ?? "";
    if (id !== "" || httpStatus !== 202) return { requestId: id, status, summary: told(summary), result };
  }
  if (httpStatus < 300) throw cannotTell("responded with something else than the Pangea protocol", going);
  throw refused({ httpStatus, status: "", summary: "no JSON of the protocol", result: null, retryAfterMs }, going);
}

function parsedOr(text: string, otherwise: unknown): unknown {
  try {
    return parseLossless(text);
  } catch {
    return otherwise;
  }
}

function told(summary: unknown): string {
  return typeof summary === "string" ? summary : "";
}

/** A first try that is refused with a 4xx stored nothing; after a 5xx the events may be there, or may come. */
function outcomeOf(httpStatus: number, { isWrite, isDoubtful, isAccepted }: Going): WriteOutcome | undefined {
  if (!isWrite) return undefined;
  return httpStatus >= 400 && httpStatus < 500 && !isDoubtful && !isAccepted ? "NONE" : "UNKNOWN";
}

function cutError({ cause, isDone }: Cut, { isWrite, isDoubtful, isAccepted }: Going): AuditError {
  if (hasCode(cause, "UND_ERR_RES_EXCEEDED_MAX_SIZE")) {
    return cannotTell("sent an answer that is larger than this gateway reads", { isWrite, cause });
  }
  if (isDone) return cannotTell("responded, but the answer broke off", { isWrite, cause });
  const reached: WriteOutcome = isDoubtful || isAccepted ? "UNKNOWN" : "NONE";
  return new AuditError("UNAVAILABLE", "The audit service cannot be reached: try again.", {
    ...{ retryAfterMs: LONGEST_PAUSE_MS, outcome: isWrite ? reached : undefined, cause },
  });
}

/** The error for a call whose outcome only the service knows. */
function cannotTell(
  what: string,
  { isWrite, cause }: { readonly isWrite: boolean; readonly cause?: unknown },
): AuditError {
  const detail = { retryAfterMs: PAUSE_MS, outcome: isWrite ? ("UNKNOWN" as const) : undefined, cause };
  return new AuditError("UNAVAILABLE", `The audit service ${what}.`, detail);
}

/** An id goes into a path and a header, so only text that cannot change either is one. */
function idIn(text: unknown): string | undefined {
  return typeof text === "string" && REQUEST_ID.test(text) ? text : undefined;
}

const MS_PER_S = 1_000;

/** RFC 9110 section 10.2.3, in seconds; a date is not worth a clock comparison. */
function delayIn(text: string | readonly string[] | undefined): number | undefined {
  return typeof text === "string" && /^\d{1,6}$/.test(text) ? Number(text) * MS_PER_S : undefined;
}
