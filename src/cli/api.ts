import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { isPlainObject } from "../core/json.js";
import { CommandError, explanation, type Output } from "./output.js";
import { printable } from "./printable.js";

/** Of an answer of the API, where nothing else is said: most hold a root and a link. */
export const MAX_ANSWER_BYTES = 2 ** 20;

/** The gateway refused what was asked. */
export class ApiError extends CommandError {
  override readonly name = "ApiError";

  constructor(
    message: string,
    /** Of each error that it named, as far as it has one. */
    readonly codes: readonly string[],
    /** What the gateway asks to wait before another try. */
    readonly retryAfterMs: number | undefined,
  ) {
    super(message);
  }
}

/** Nobody answered. */
export class UnreachableError extends CommandError {
  override readonly name = "UnreachableError";
}

/** The answer has more bytes than were expected: less can be asked at once. */
export class AnswerTooLargeError extends CommandError {
  override readonly name = "AnswerTooLargeError";
}

/** Where the API is, and what it is asked with. */
export interface Gateway {
  readonly url: URL;
  readonly token: string | undefined;
}

export type Members = Readonly<Record<string, unknown>>;

export function apiUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new CommandError(`--url: expected an address such as http://127.0.0.1:4000/graphql, got ${text}`);
}

export async function credential(
  tokenFile: string | undefined,
  token: string | undefined,
): Promise<string | undefined> {
  const text = tokenFile === undefined ? token : await readFile(tokenFile, "utf8");
  const trimmed = text?.trim();
  if (trimmed === undefined || trimmed === "") return undefined;
  // What cannot stand in a header would be complained of with the credential in the message.
  if (!/^[\x21-\x7e]+$/.test(trimmed)) throw new CommandError("the credential is not one line of text");
  return trimmed;
}

interface Asked {
  readonly query: string;
  readonly variables: Members;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** The data of an answer without errors. Throws CommandError with what the gateway says is wrong. */
export async function ask(gateway: Gateway, { maxBytes = MAX_ANSWER_BYTES, ...operation }: Asked): Promise<Members> {
  return dataOf(await posted(gateway, operation), gateway, maxBytes);
}

/** The answer to an operation. `accept` names a type of it in place of JSON. */
export function posted(
  { url, token }: Gateway,
  { query, variables, signal }: Omit<Asked, "maxBytes">,
  accept?: string,
): Promise<Response> {
  return reached(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(accept !== undefined && { accept }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
    ...(signal && { signal }),
  });
}

/** The data of an answer of JSON. Throws like `ask`. */
export async function dataOf(response: Response, { url, token }: Gateway, maxBytes: number): Promise<Members> {
  const answer = await answerOf(response, maxBytes);
  const refused = apiErrorIn(answer);
  if (response.status === 401) {
    const hint = token === undefined ? "; set AUDITQL_TOKEN, or give --token-file" : "";
    throw new CommandError(`${refused?.message ?? "the gateway refused the credential"}${hint}`);
  }
  const isApi = response.status !== 404 && response.status !== 405;
  if (isApi && refused !== undefined) throw refused;
  if (isApi && isPlainObject(answer["data"])) return answer["data"];
  throw new CommandError(
    `${url.href} answered ${response.status}, and is no GraphQL API: give --url such as http://127.0.0.1:4000/graphql`,
  );
}

/** What a GraphQL response says is wrong; undefined where it says nothing. */
export function apiErrorIn({ errors }: Members): ApiError | undefined {
  const named = Array.isArray(errors) ? errors.filter(isPlainObject) : [];
  if (named.length === 0) return undefined;
  const extensions = named.map(({ extensions }) => (isPlainObject(extensions) ? extensions : {}));
  const codes = extensions.flatMap(({ code }) => (typeof code === "string" ? [code] : []));
  const waits = extensions.flatMap(({ retryAfterMs }) => (typeof retryAfterMs === "number" ? [retryAfterMs] : []));
  const message = named.map(messageOf).join("; ");
  return new ApiError(message, codes, waits.length === 0 ? undefined : Math.max(...waits));
}

const MOST_TRIES = 10;
const FIRST_WAIT_MS = 500;
export const LONGEST_WAIT_MS = 30_000;

/** Whether the gateway is there, and says that it cannot do this now. */
export function isBusy(error: unknown): error is ApiError {
  return error instanceof ApiError && error.codes.some((code) => code === "UNAVAILABLE" || code === "RATE_LIMITED");
}

/**
 * Tries again, some minutes at most, while it fails with what passes; `note` is told of each wait. What is called must be safe
 * to repeat.
 */
export async function patiently<T>(
  call: () => Promise<T>,
  { passes = isBusy, note }: { readonly passes?: (error: unknown) => boolean; readonly note: Output["note"] },
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries === MOST_TRIES || !passes(error)) throw error;
      const waitMs = pauseMs(error, tries);
      note(`trying again in ${waitMs / 1_000} s: ${explanation(error)}`);
      await wait(waitMs);
    }
  }
}

/** How long to wait after so many tries that failed one after the other. */
export function pauseMs(error: unknown, tries: number): number {
  const askedMs = (error instanceof ApiError ? error.retryAfterMs : undefined) ?? 0;
  return Math.max(askedMs, Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1)));
}

/** The chunks of a body. Throws UnreachableError where it breaks off. */
async function* wholeBody(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new UnreachableError(`the answer broke off: ${causeOf(error)}`);
  }
}

/** The members of a JSON object; of anything else, none. Throws CommandError on an answer that is too large, or broke off. */
async function answerOf({ body }: Response, maxBytes: number): Promise<Members> {
  if (body === null) return {};
  const answer = wholeBody(body);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new AnswerTooLargeError(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return membersIn(Buffer.concat(chunks).toString());
}

/** Of a JSON object; none of anything else. */
export function membersIn(text: string): Members {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? value : {};
  } catch {
    return {};
  }
}

function messageOf({ message }: Members): string {
  return printable(typeof message === "string" ? message : "an error without a message");
}

/** Neither call follows a redirection: one would turn into another request, and take the credential along. */
export async function reached(url: URL, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { redirect: "manual", ...request });
  } catch (error) {
    throw new UnreachableError(`${url.origin} cannot be reached: ${causeOf(error)}`);
  }
}

/** fetch says only that it failed; why is in its cause. */
export function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return "code" in cause ? String(cause.code) : cause.message;
}
