import { open, rename, rm } from "node:fs/promises";
import { isPlainObject } from "../core/json.js";
import { FILE_MODE } from "../keys/private-file.js";
import { ApiError, ask, causeOf, reached, type Gateway } from "./api.js";
import { CommandError, type Output } from "./output.js";

/** A file of a pinned result. */
export interface Wanted {
  readonly id: string;
  /** Also what is beyond the search's `maxResults`. */
  readonly everyMatch: boolean;
  readonly format: "CSV" | "NDJSON" | "EVIDENCE";
}

const DOWNLOAD = /* GraphQL */ `
  mutation Download($id: ID!, $everyMatch: Boolean!, $format: AuditDownloadFormat!) {
    downloadResults(id: $id, everyMatch: $everyMatch, format: $format) {
      url
    }
  }
`;

/** The bytes of a file. Throws CommandError where there is none, and later where it breaks off. */
export async function download(
  gateway: Gateway,
  { id, everyMatch, format }: Wanted,
): Promise<AsyncIterable<Uint8Array>> {
  const { downloadResults } = await ask(gateway, { query: DOWNLOAD, variables: { id, everyMatch, format } });
  const link = isPlainObject(downloadResults) ? downloadResults["url"] : undefined;
  if (typeof link !== "string") throw new CommandError(`${gateway.url.href} answered without a link`);
  // The link stands for the credential, which is not sent to where it leads.
  const { status, body, headers } = await reached(new URL(link, gateway.url), {});
  if (status === 200 && body !== null) return withoutFetchErrors(body);
  await body?.cancel();
  // So many downloads at once: of this credential, or of all.
  if (status === 503)
    throw new ApiError("the gateway is busy", ["UNAVAILABLE"], 1_000 * Number(headers.get("retry-after") ?? 1));
  throw new CommandError(`the download was answered with ${status}`);
}

async function* withoutFetchErrors(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new CommandError(`the download broke off: ${causeOf(error)}`);
  }
}

/**
 * Writes to a file, or to the output where no path is given. A file gets its name when all of it is there, so that none that
 * broke off is taken for whole.
 */
export async function written(
  path: string | undefined,
  { write }: Output,
  copyTo: (write: Output["write"]) => Promise<number>,
): Promise<number> {
  if (path === undefined) return copyTo(write);
  const part = `${path}.part`;
  const file = await open(part, "w", FILE_MODE);
  try {
    const count = await copyTo((piece) => file.appendFile(piece));
    await file.sync();
    await rename(part, path);
    return count;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
