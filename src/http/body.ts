import type { IncomingMessage } from "node:http";
import { hasCode } from "../audit/errors.js";
import { HttpError } from "./answer.js";

/** The most bytes of one request: 1,000 events of some 16 KB. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

const utf8Decoder = new TextDecoder("utf-8", { fatal: true });

function tooLarge(maxBytes: number): HttpError {
  // The rest of the body is not read, so the connection cannot be used again.
  return new HttpError(413, `the request body may have at most ${maxBytes} bytes`, {
    connection: "close",
  });
}

/** The whole body, read no further than `maxBytes`. Rejects with HttpError 413, or 400 when its sender leaves in the middle. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  try {
    return await readChunks(request, maxBytes);
  } catch (error) {
    if (hasCode(error, "ECONNRESET")) throw new HttpError(400, "the connection ended before the request body did");
    throw error;
  }
}

async function readChunks(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop must not destroy the request, or the answer would never reach the client.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Throws HttpError 400 on bytes that are not UTF-8: replacing them silently would log another text than was sent. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(utf8Decoder.decode(body));
  } catch {
    throw new HttpError(400, "the request body is not JSON in UTF-8");
  }
}
