import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import { JsonLoss, parseLossless } from "../core/lossless-json.js";
import { isPlainObject } from "../core/problem.js";
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

/** Hands the bodies of POST requests to the routes of this door as bytes, whatever they say they are. */
export function takeBodies(door: FastifyInstance): void {
  door.removeAllContentTypeParsers();
  door.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
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

/** Whether a request says that its body is JSON. */
export function isJson({ headers }: Pick<IncomingMessage, "headers">): boolean {
  const [type = ""] = (headers["content-type"] ?? "").split(";", 1);
  return type.trim().toLowerCase() === "application/json";
}

/**
 * A value with a JsonLoss wherever it is less than was sent. Throws HttpError 400 on bytes that are not UTF-8: replacing
 * them silently would log another text than was sent.
 */
export function parseJson(body: Buffer): unknown {
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
  const parameters = parseJson(Buffer.isBuffer(body) ? body : Buffer.alloc(0));
  const variables = isPlainObject(parameters) ? parameters["variables"] : undefined;
  const repeated = [...repeatedIn(parameters, ""), ...repeatedIn(variables, "variables.")];
  if (repeated.length > 0) throw new HttpError("BAD_REQUEST", repeated.join("; "));
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
