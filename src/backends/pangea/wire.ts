import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { AuditError, hasCode, type WriteOutcome } from "../../audit/errors.js";
import type { Json } from "../../core/json.js";
import { parseLossless } from "../../core/lossless-json.js";
import { isPlainObject } from "../../core/problem.js";
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
const LONGEST_PAUSE_MS = 8_000;
const MAX_ANSWER_BYTES = 64 * 1_024 * 1_024;
const CONNECTIONS = 32;
/** Protocol section 1.3: as the service's own SDKs do. */
const TRIES = 4;
const RETRIED = new Set([500, 502, 503, 504]);
/** Right after a 202 the service may not know the request yet (section 1.5). */
const UNKNOWN_POLLS = 3;
const REQUEST_ID = /^[A-Za-z0-9_-]{1,128}$/;

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
}

/**
 * The Pangea protocol over HTTP, section 1: retries what failed with 5xx or below HTTP and nothing after a 2xx, polls
 * what was accepted, and rejects with AuditError only, or with the reason of the caller's signal.
 */
export class PangeaWire {
  readonly #pool: Pool;
  readonly #prefix: string;

  constructor(private readonly options: WireOptions) {
    const { origin, pathname } = new URL(options.baseUrl);
    this.#prefix = pathname.replace(/\/+$/, "");
    this.#pool = new Pool(origin, {
      connections: CONNECTIONS,
      allowH2: true,
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
      return await run({ isWrite, signal: signal === undefined ? expiry : AbortSignal.any([signal, expiry]) });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof AuditError || !expiry.aborted) throw error;
      throw cannotTell(`did not respond within ${timeoutMs / 1_000} s`, { isWrite, cause: error });
    }
  }

  async #finished(first: HttpAnswer, going: Going): Promise<Answer> {
    if (first.httpStatus !== 202) return readAnswer(first, going);
    const { requestId } = readEnvelope(first, going);
    let unknown = 0;
    for (let poll = 0; ; poll++) {
      await this.#pause(poll, undefined, going);
      const answer = await this.#tried(pollOf(requestId), going);
      if (answer.httpStatus === 404 && ++unknown <= UNKNOWN_POLLS) continue;
      if (answer.httpStatus !== 202) return readAnswer(answer, going);
    }
  }

  /** The first answer that is not to be tried again. */
  async #tried(request: HttpRequest, going: Going): Promise<HttpAnswer> {
    const failedIds: string[] = [];
    let isSent = false;
    for (let attempt = 1; ; attempt++) {
      const tried = await this.#once(request, failedIds, going.signal);
      if (tried.kind === "answered") {
        if (!RETRIED.has(tried.httpStatus) || attempt === TRIES) return tried;
        isSent = true;
        if (tried.requestId !== undefined) failedIds.push(tried.requestId);
      } else {
        isSent ||= tried.isSent;
        going.signal.throwIfAborted();
        if (tried.isDone || attempt === TRIES) throw cutError(tried, { ...going, isSent });
      }
      await this.#pause(attempt - 1, tried.kind === "answered" ? tried.retryAfterMs : undefined, going);
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
  throw errorOf({ ...answer, status, summary, result }, going.isWrite ? outcomeOf(answer.httpStatus) : undefined);
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
  const outcome = going.isWrite ? outcomeOf(httpStatus) : undefined;
  throw errorOf({ httpStatus, status: "", summary: "no JSON of the protocol", result: null, retryAfterMs }, outcome);
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

/** A refusal with a 4xx stored nothing; after a 5xx the events may be there, or may come. */
function outcomeOf(httpStatus: number): WriteOutcome {
  return httpStatus >= 400 && httpStatus < 500 ? "NONE" : "UNKNOWN";
}

function cutError({ cause, isDone }: Cut, { isWrite, isSent }: Going & { readonly isSent: boolean }): AuditError {
  if (hasCode(cause, "UND_ERR_RES_EXCEEDED_MAX_SIZE")) {
    return cannotTell("sent an answer that is larger than this gateway reads", { isWrite, cause });
  }
  if (isDone) return cannotTell("responded, but the answer broke off", { isWrite, cause });
  const reached: WriteOutcome = isSent ? "UNKNOWN" : "NONE";
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
