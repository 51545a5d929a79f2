import type { IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { AuditError } from "../audit/errors.js";
import { parseLossless } from "../core/lossless-json.js";
import { HttpError } from "./answer.js";

/** The maximum bytes of one request: 1,000 events of about 16 KB. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/**
 * How many bytes beyond its limit a body is read, and dropped, before its sender gets the refusal: most clients send a
 * whole body before they read a response, and see a broken pipe if the connection closes while they send. A client that
 * sends more gets the refusal in the middle; the time is bounded like that of any request (http/server.ts).
 */
export const MAX_DROPPED_BYTES = 64 * 1024 * 1024;

const utf8Decoder = new TextDecoder("utf-8", { fatal: true });

/** Where a server keeps the budget of its bodies, and a request its share of it. */
export const BODY_BUDGET = "bodyBudget";
const HELD_BODY = "heldBody";

/**
 * Passes the bodies of POST requests to the routes of this door as bytes, whatever their Content-Type. A body counts in
 * the budget of its `senderOf` until its request is answered.
 */
export function takeBodies(door: FastifyInstance, senderOf: (request: FastifyRequest) => string = credentialOf): void {
  const budget = door.getDecorator<BodyBudget>(BODY_BUDGET);
  const { bodyLimit = MAX_BODY_BYTES } = door.initialConfig;
  door.decorateRequest(HELD_BODY, null);
  door.addHook("preParsing", (request, reply) => {
    const held = budget.open(senderOf(request));
    request.setDecorator(HELD_BODY, held);
    reply.raw.once("close", () => {
      held.release();
    });
    return Promise.resolve();
  });
  door.removeAllContentTypeParsers();
  door.addContentTypeParser("*", (request: FastifyRequest, payload: IncomingMessage) =>
    bytesOf(payload, { maxBytes: bodyLimit, held: request.getDecorator<HeldBody>(HELD_BODY) }),
  );
}

/** Doors that do not know a sender's name distinguish credentials by the header that was sent. */
function credentialOf({ headers, ip }: FastifyRequest): string {
  return headers.authorization ?? ip;
}

interface Room {
  readonly maxBytes: number;
  readonly held: HeldBody;
}

/** Rejects with HttpError 413, or AuditError UNAVAILABLE, as soon as a body is too large; the rest stays unread. */
async function bytesOf(payload: IncomingMessage, { maxBytes, held }: Room): Promise<Buffer> {
  const length = Number(payload.headers["content-length"] ?? 0);
  if (length > maxBytes) throw tooLarge(`the request body may have at most ${maxBytes} bytes`);
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop must not destroy the request, or the answer would never reach the client.
  for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(`the request body may have at most ${maxBytes} bytes`);
    held.add(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Resolves when the rest of a body was read, or as much of it as is ever read, or its sender left. */
export async function dropRest(request: IncomingMessage, maxBodyBytes: number): Promise<void> {
  const most = maxBodyBytes + MAX_DROPPED_BYTES;
  if (Number(request.headers["content-length"] ?? 0) > most) return;
  let size = 0;
  try {
    // Leaving the loop must not destroy the request, or the answer would never reach the client.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > most) return;
    }
  } catch {
    // Nobody is left to be told.
  }
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i;

/** Throws HttpError 415 if a body is compressed: its size would be known too late. */
export function requirePlain({ "content-encoding": encoding = "identity" }: IncomingMessage["headers"]): void {
  if (encoding === "identity") return;
  const instead = "send the body as it is";
  throw new HttpError("UNSUPPORTED_MEDIA_TYPE", `content-encoding ${encoding} is not supported: ${instead}`);
}

/** Throws HttpError 415 unless a request says that its body is JSON. */
export function requireJsonBody(request: Pick<IncomingMessage, "headers">): void {
  if (isJson(request)) return;
  throw new HttpError("UNSUPPORTED_MEDIA_TYPE", "send the operation as application/json in UTF-8");
}

/** Whether a request says that its body is JSON, which is in UTF-8 (RFC 8259 section 8.1): any other charset is refused. */
export function isJson({ headers }: Pick<IncomingMessage, "headers">): boolean {
  const { "content-type": sent = "" } = headers;
  const [type = ""] = sent.split(";", 1);
  const charset = CHARSET.exec(sent)?.[1] ?? "utf-8";
  return type.trim().toLowerCase() === "application/json" && charset.toLowerCase() === "utf-8";
}

/**
 * The parsed value, with a JsonLoss where JSON.parse would lose part of the text. Throws HttpError 413 or 400 if it
 * exceeds JSON_BOUNDS, and 400 for bytes that are not UTF-8: replacing them silently would log another text than was
 * sent.
 */
export function parseJson(body: Buffer): unknown {
  requireBounded(body);
  try {
    return parseLossless(utf8Decoder.decode(body));
  } catch {
    throw new HttpError("BAD_REQUEST", "the request body is not JSON in UTF-8");
  }
}

/** The bounds of a request's JSON, counted in its bytes before it is parsed. */
export const JSON_BOUNDS = {
  /** Members of objects and items of lists: 1,000 events with 100 each. A key takes a parser a microsecond. */
  values: 100_000,
  /** Nesting of objects and lists: an event's field may have 64 levels, and is itself a few levels deep. */
  depth: 128,
  /** Bytes of one text as sent: an event's value of 1 MiB, in which escapes triple what is not ASCII. */
  textBytes: 3 * 1_024 * 1_024,
} as const;

/** A body this short cannot exceed a bound that matters, so it is not scanned. */
const SHORT_BYTES = 16 * 1_024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * One pass without recursion over bytes that claim to be JSON in UTF-8; the parser decides whether they are. Throws
 * HttpError PAYLOAD_TOO_LARGE or, for excessive nesting, BAD_REQUEST.
 */
export function requireBounded(json: Uint8Array): void {
  if (json.length <= SHORT_BYTES) return;
  let values = 1;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = textEnd(json, at);
    } else if (byte === COMMA) {
      values++;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth++;
      values++;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--;
    }
    if (depth > JSON_BOUNDS.depth)
      throw new HttpError("BAD_REQUEST", `the JSON of the request may nest at most ${JSON_BOUNDS.depth} levels deep`);
    if (values > JSON_BOUNDS.values)
      throw tooLarge(`the JSON of the request may have at most ${JSON_BOUNDS.values} members and items`);
  }
}

/** The index of the quote that ends the text which begins at `start`, or of the last byte. */
function textEnd(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  if (at - start - 1 > JSON_BOUNDS.textBytes)
    throw tooLarge(`one text in the JSON of the request may have at most ${JSON_BOUNDS.textBytes} bytes`);
  return at;
}

function tooLarge(message: string): HttpError {
  return new HttpError("PAYLOAD_TOO_LARGE", message);
}

/** The part of the budget that one sender may hold: others get through while one fills its own. */
const SHARE = 1 / 4;
/** Bodies stay in flight until they are sent and answered, so room is free again soon. */
const RETRY_AFTER_MS = 1_000;

/** The part of the budget that one request's body holds. */
export interface HeldBody {
  /** Counts received bytes. Throws AuditError UNAVAILABLE if there is no room for them; then they are not counted. */
  add(bytes: number): void;
  /** Releases all of it; further calls have no effect. */
  release(): void;
}

/**
 * The bytes of all request bodies of this process that were received and are not answered yet. Each body has a limit,
 * but slow connections could hold any number of bodies.
 */
export class BodyBudget {
  readonly #bySender = new Map<string, number>();
  /** At least one body of the largest size. */
  readonly #share: number;
  #held = 0;

  constructor(
    private readonly maxBytes: number,
    maxBodyBytes: number,
  ) {
    this.#share = Math.max(Math.floor(maxBytes * SHARE), Math.min(maxBodyBytes, maxBytes));
  }

  get held(): number {
    return this.#held;
  }

  /** `sender` is a credential's id, or an address if there is no credential. */
  open(sender: string): HeldBody {
    let own = 0;
    return {
      add: (bytes) => {
        this.#take(sender, bytes);
        own += bytes;
      },
      release: () => {
        this.#give(sender, own);
        own = 0;
      },
    };
  }

  #take(sender: string, bytes: number): void {
    const ofSender = (this.#bySender.get(sender) ?? 0) + bytes;
    if (ofSender > this.#share) throw full(`${this.#share} bytes of request bodies for one sender`);
    if (this.#held + bytes > this.maxBytes) throw full(`${this.maxBytes} bytes of request bodies`);
    this.#bySender.set(sender, ofSender);
    this.#held += bytes;
  }

  #give(sender: string, bytes: number): void {
    const left = (this.#bySender.get(sender) ?? 0) - bytes;
    if (left > 0) this.#bySender.set(sender, left);
    else this.#bySender.delete(sender);
    this.#held -= bytes;
  }
}

function full(what: string): AuditError {
  const message = `the gateway holds at most ${what} at once, and cannot take this one now; nothing was done: try again`;
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS });
}
