import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { EvidenceError } from "../core/evidence/reader.js";
import type { Output } from "./output.js";
import { Progress, withByteBar } from "./progress.js";

const CHUNK_BYTES = 2 ** 18;

/** The bytes of a file, of standard input (`-`) or of what an address answers. Throws EvidenceError where that is no file. */
export async function bytesOf(file: string, bar: Output["bar"]): Promise<AsyncIterable<Uint8Array>> {
  const progress = new Progress("verify: bytes", bar);
  if (file === "-") return withByteBar(process.stdin, { bar: progress, total: undefined });
  if (/^https?:\/\//i.test(file)) return withByteBar(fetchedBytes(file), { bar: progress, total: undefined });
  const { size } = await stat(file);
  // A pipe in place of a file has no size.
  const total = size === 0 ? undefined : size;
  return withByteBar(createReadStream(file, { highWaterMark: CHUNK_BYTES }), { bar: progress, total });
}

/** Such as a link to a download, which needs no credential. Who answers is believed in nothing. */
async function* fetchedBytes(address: string): AsyncGenerator<Uint8Array> {
  try {
    const response = await fetch(address);
    if (!response.ok) throw new EvidenceError(`the address answered ${response.status}`);
    if (response.body !== null) yield* response.body;
  } catch (error) {
    throw error instanceof EvidenceError
      ? error
      : new EvidenceError(`nobody answered, or not to the end: ${causeOf(error)}`);
  }
}

/** fetch says why in the cause of its error. */
function causeOf(error: unknown): string {
  const cause = isObject(error) && "cause" in error ? error.cause : undefined;
  const told = cause ?? error;
  return isObject(told) && "message" in told ? String(told.message) : String(told);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
