import type { IncomingMessage } from "node:http";
import { hasCode } from "../audit/errors.js";
import { JsonLoss, parseLossless } from "../core/lossless-json.js";
import { isPlainObject } from "../core/problem.js";
import { HttpError } from "./answer.js";

/** The most bytes of one request: 1,000 events of some 16 KB. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/**
 * How much more than it may have is read of a body, and dropped, before its sender is told: most clients send all of a body
 * before they read an answer, and a connection that is closed while they send is a broken pipe to them. Who sends more than
 * that is told in the middle; the time is bounded by that of any request (http/listener.ts).
 */
export const MAX_DROPPED_BYTES = 64 * 1024 * 1024;

const utf8Decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The whole body, of at most `maxBytes`; of a longer one nothing is kept. Rejects with HttpError 413, or 400 when its sender
 * leaves in the middle.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  try {
    const body = await readWithin(request, maxBytes);
    if (body !== undefined) return body;
  } catch (error) {
    if (hasCode(error, "ECONNRESET")) throw new HttpError(400, "the connection ended before the request body did");
    throw error;
  }
  // There may be more of the body than was read, so the connection cannot be used again.
  throw new HttpError(413, `the request body may have at most ${maxBytes} bytes`, { connection: "close" });
}

/** Undefined for a body of more than `maxBytes`. */
async function readWithin(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const most = maxBytes + MAX_DROPPED_BYTES;
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > most) return undefined;
  let chunks: Buffer[] | undefined = declared > maxBytes ? undefined : [];
  let size = 0;
  // Leaving the loop must not destroy the request, or the answer would never reach the client.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) return undefined;
    if (size > maxBytes) chunks = undefined;
    chunks?.push(chunk);
  }
  return chunks && Buffer.concat(chunks);
}

/**
 * A value with a JsonLoss wherever it is less than was sent. Throws HttpError 400 on bytes that are not UTF-8: replacing
 * them silently would log another text than was sent.
 */
export function parseJson(body: Buffer): unknown {
  try {
    return parseLossless(utf8Decoder.decode(body));
  } catch {
    throw new HttpError(400, "the request body is not JSON in UTF-8");
  }
}

/**
 * The parameters of a GraphQL request. Throws HttpError 400 as parseJson does, and where a parameter or a variable is given
 * twice; what is lost inside of a variable is refused by the type of its place, which can say more.
 */
export function parseParameters(body: Buffer): unknown {
  const parameters = parseJson(body);
  const variables = isPlainObject(parameters) ? parameters["variables"] : undefined;
  const repeated = [...repeatedIn(parameters, ""), ...repeatedIn(variables, "variables.")];
  if (repeated.length > 0) throw new HttpError(400, repeated.join("; "));
  return parameters;
}

function repeatedIn(object: unknown, path: string): readonly string[] {
  if (!isPlainObject(object)) return [];
  return Object.entries(object).flatMap(([name, value]) =>
    value instanceof JsonLoss && value.kind === "repeated key"
      ? [`${path}${name.slice(0, 64)}: expected ${value.expected}, got ${value.got}`]
      : [],
  );
}
