import type { IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { JsonLoss, parseLossless } from "../core/lossless-json.js";
import { isPlainObject } from "../core/json.js";
import type { BodyBudget, HeldBody } from "./body-budget.js";
import { requireBounded } from "./json-bounds.js";
import { HttpError } from "./refusal.js";

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
  if (length > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop must not destroy the request, or the answer would never reach the client.
  for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    held.add(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError("PAYLOAD_TOO_LARGE", `the request body may have at most ${maxBytes} bytes`);
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
 * (json-bounds.ts), and 400 on bytes that are not UTF-8: replacing them silently would log another text than was sent.
 */
export function parseJson(body: Buffer): unknown {
  requireBounded(body);
  try {
    return parseLossless(utf8Decoder.decode(body));
  } catch {
    throw new HttpError("BAD_REQUEST", "the request body is not JSON in UTF-8");
  }
}

/**
 * The parameters of a GraphQL request. Throws HttpError 400 as parseJson does, and where a parameter or a variable is given
 * twice; what is lost inside of a variable is refused by the type of its place, which can say more.
 */
export function parseParameters(body: unknown): unknown {
  return unrepeated(parseJson(Buffer.isBuffer(body) ? body : Buffer.alloc(0)));
}

/** Parsed parameters as they are. Throws HttpError 400 where a parameter or a variable is given twice. */
export function unrepeated(parameters: unknown): unknown {
  const variables = isPlainObject(parameters) ? parameters["variables"] : undefined;
  const repeated = [...repeatedIn(parameters, ""), ...repeatedIn(variables, "variables.")];
  if (repeated.length > 0) throw new HttpError("BAD_REQUEST", repeated.join("; "));
  return parameters;
}

/** Without a list of the members: there may be very many variables that no operation uses. */
function repeatedIn(object: unknown, path: string): readonly string[] {
  if (!isPlainObject(object)) return [];
  const repeated: string[] = [];
  for (const name in object) {
    const value = object[name];
    if (value instanceof JsonLoss && value.kind === "repeated key")
      repeated.push(`${path}${name.slice(0, 64)}: expected ${value.expected}, got ${value.got}`);
    if (repeated.length === MAX_REPEATED) break;
  }
  return repeated;
}

/** So many show the kind of mistake. */
const MAX_REPEATED = 10;
