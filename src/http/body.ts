import type { IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { AuditError } from "../audit/errors.js";
import { parseLossless } from "../core/lossless-json.js";
import { HttpError } from "./answer.js";

/** The most bytes of one request: 1,000 events of some 16 KB. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/**
 * How much more than it may have is read of a body, and dropped, before its sender is told: most clients send all of a body
 * before they read an answer, and a connection that is closed while they send is a broken pipe to them. Who sends more than
 * that is told in the middle; the time is bounded by that of any request (http/server.ts).
 */
export const MAX_DROPPED_BYTES = 64 * 1024 * 1024;

const utf8Decoder = new TextDecoder("utf-8", { fatal: true });

/** Where the budget of a server's bodies is kept, and what a request holds of it. */
export const BODY_BUDGET = "bodyBudget";
const HELD_BODY = "heldBody";

/**
 * Hands the bodies of POST requests to the routes of this door as bytes, whatever they say they are. Until a request is
 * answered its body counts in the budget, as that of `senderOf`.
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

/** Doors that do not know who somebody is by their name tell credentials apart by what was sent. */
function credentialOf({ headers, ip }: FastifyRequest): string {
  return headers.authorization ?? ip;
}

interface Room {
  readonly maxBytes: number;
  readonly held: HeldBody;
}

/** Rejects with HttpError 413, or AuditError UNAVAILABLE, as soon as a body is too much; the rest of it is unread then. */
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

/** Resolves when the rest of a body was read, or more of it than is ever read, or its sender left. */
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
    // There is nobody left to be told.
  }
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i;

/** Throws HttpError 415 where a body is compressed: its size would be known too late. */
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
 * A value with a JsonLoss wherever it is less than was sent. Throws HttpError 413 or 400 where there is too much of it
 * (JSON_BOUNDS), and 400 on bytes that are not UTF-8: replacing them silently would log another text than was sent.
 */
export function parseJson(body: Buffer): unknown {
  requireBounded(body);
  try {
    return parseLossless(utf8Decoder.decode(body));
  } catch {
    throw new HttpError("BAD_REQUEST", "the request body is not JSON in UTF-8");
  }
}

/** What the JSON of a request may have in it, counted in its bytes before anything is made of them. */
export const JSON_BOUNDS = {
  /** Members of objects and items of lists: 1,000 events with 100 each. A key takes a parser a microsecond. */
  values: 100_000,
  /** Objects and lists inside each other: a field of an event may have 64, and is in a few itself. */
  depth: 128,
  /** Bytes of one text as it is sent: an event's value of 1 MiB, in which escapes triple what is not ASCII. */
  textBytes: 3 * 1_024 * 1_024,
} as const;

/** So short a body passes no bound whose passing costs anything, so it is not looked through. */
const SHORT_BYTES = 16 * 1_024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * One pass without recursion over bytes that claim to be JSON in UTF-8; whether they are is for the parser to say. Throws
 * HttpError PAYLOAD_TOO_LARGE or, where it is too deep, BAD_REQUEST.
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
/** A body is in flight for as long as it takes to be sent and answered. */
const RETRY_AFTER_MS = 1_000;

/** What is held of one request's body. */
export interface HeldBody {
  /** Counts bytes that have come. Throws AuditError UNAVAILABLE where there is no room for them; they are not counted then. */
  add(bytes: number): void;
  /** Gives all of it back; once is enough, more does no harm. */
  release(): void;
}

/**
 * The bytes of all request bodies of this process that have come and are not answered yet. Bodies have a limit each, but
 * connections that send theirs slowly could hold any number of them.
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

  /** `sender` is a credential's id, or an address where there is none. */
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
  const message = `the gateway holds at most ${what} at once, and cannot take this one now; nothing was done`;
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS });
}
