import { createHash } from "node:crypto";
import { DEFAULT_LOG } from "../audit/service.js";
import {
  ApiError,
  apiUrl,
  ask,
  credential,
  isBusy,
  patiently,
  UnreachableError,
  type Gateway,
  type Members,
} from "./api.js";
import { BATCH, readCsv, readNdjson, sentEvent, type Columns, type GoodEvent, type ReadEvent } from "./event-reader.js";
import { CommandError, explanation, type Output } from "./output.js";
import { jsonLine } from "./printable.js";
import { readPangeaExport } from "./pangea-export.js";
import { Progress } from "./progress.js";

/** How the events in a file are written. */
export type EventFile = "ndjson" | "csv" | "pangea-export";

export interface ImportFlags {
  readonly url: string;
  readonly from?: EventFile;
  /** Of a CSV file. */
  readonly columns?: Columns;
  readonly log?: string;
  readonly tokenFile?: string;
  readonly dryRun?: boolean;
  /** Prints what is wrong with a line, and last what it comes to, as lines of JSON. */
  readonly json?: boolean;
  /** False: adds no time to the events of a Pangea export. */
  readonly timestamp?: boolean;
}

const IMPORTED = 0;
const REFUSED = 1;
const IMPOSSIBLE = 2;

/** So many bad lines are named. */
const MOST_NAMED = 100;

const LOG_BULK = /* GraphQL */ `
  mutation Import($events: [AuditEventInput!]!, $log: ID, $key: String!) {
    logBulk(events: $events, log: $log, idempotencyKey: $key) {
      entries {
        leafIndex
      }
    }
  }
`;

/**
 * Logs the events of a file, in its order. The file is read twice: nothing is logged unless each of its events can be.
 * Each request has a key that follows from its events, so that another run logs nothing twice. Returns the exit code: 0
 * imported, 1 the file has events that cannot be, 2 it could not be done or not to the end. Rejects never.
 */
export async function importEvents(
  path: string,
  flags: ImportFlags,
  { token, output }: { readonly token: string | undefined; readonly output: Output },
): Promise<number> {
  try {
    const read = readerOf(path, flags);
    const isJson = flags.json === true;
    const { good, bad } = await looked(read(), output, isJson);
    if (bad > 0) output.note(`${bad} of ${good + bad} events cannot be imported, so nothing was`);
    else if (flags.dryRun === true)
      output.note(`${good} events can be imported; what limits the log has, it says itself`);
    const isLogged = bad === 0 && flags.dryRun !== true;
    const logged = isLogged ? await log(read(), good, { flags, token, output }) : NONE_LOGGED;
    if (isJson) await output.write(jsonLine({ good, bad, ...logged }));
    return bad > 0 ? REFUSED : IMPORTED;
  } catch (error) {
    output.note(`cannot import: ${explanation(error)}`);
    return IMPOSSIBLE;
  }
}

function readerOf(path: string, { from, columns, timestamp }: ImportFlags): () => AsyncIterable<ReadEvent> {
  const written = from ?? (/\.csv$/i.test(path) ? "csv" : "ndjson");
  if (columns !== undefined && written !== "csv") throw new CommandError("--columns is about CSV files only");
  switch (written) {
    case "ndjson":
      return () => readNdjson(path);
    case "csv":
      return () => readCsv(path, columns);
    case "pangea-export":
      return () => readPangeaExport(path, timestamp);
  }
}

/** Counts the events, and names those that are bad. */
async function looked(
  events: AsyncIterable<ReadEvent>,
  { write }: Output,
  isJson: boolean,
): Promise<{ good: number; bad: number }> {
  const counts = { good: 0, bad: 0 };
  for await (const read of events) {
    counts[read.kind === "event" ? "good" : "bad"] += 1;
    if (read.kind === "event" || counts.bad > MOST_NAMED) continue;
    const { line } = read;
    for (const { path, expected, got } of read.problems)
      await write(
        isJson ? jsonLine({ line, path, expected, got }) : `line ${line}: ${path}: expected ${expected}, got ${got}\n`,
      );
  }
  return counts;
}

interface Importing {
  readonly flags: ImportFlags;
  readonly token: string | undefined;
  readonly output: Output;
}

/** How many events are in the log now, and where. */
interface Imported {
  readonly logged: number;
  readonly firstIndex?: number;
  readonly lastIndex?: number;
}

const NONE_LOGGED: Imported = { logged: 0 };

async function log(events: AsyncIterable<ReadEvent>, total: number, importing: Importing): Promise<Imported> {
  const { flags, token, output } = importing;
  const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
  const bar = new Progress("import: events", output.bar);
  let [done, firstIndex, lastIndex] = [0, -1, -1];
  try {
    for await (const batch of batches(events)) {
      const indexes = await logged(batch, { gateway, log: flags.log ?? DEFAULT_LOG, note: output.note }).catch(
        (error: unknown) => {
          throw new CommandError(`${explanation(inLines(error, batch))}; ${done} events were imported before`);
        },
      );
      if (firstIndex < 0) firstIndex = indexes.first;
      lastIndex = indexes.last;
      bar.show((done += batch.length), total);
    }
  } finally {
    bar.end();
  }
  output.note(
    `${done} events are in the log${done === 0 ? "" : `, at leaf indexes from ${firstIndex} to ${lastIndex}`}`,
  );
  return done === 0 ? NONE_LOGGED : { logged: done, firstIndex, lastIndex };
}

async function* batches(events: AsyncIterable<ReadEvent>): AsyncGenerator<readonly GoodEvent[]> {
  let [batch, characters] = [new Array<GoodEvent>(), 0];
  for await (const read of events) {
    if (read.kind === "bad") throw new CommandError(`line ${read.line} was changed while the file was imported`);
    const size = JSON.stringify(read.event).length;
    if (batch.length === BATCH.events || (batch.length > 0 && characters + size > BATCH.characters)) {
      yield batch;
      [batch, characters] = [[], 0];
    }
    batch.push(read);
    characters += size;
  }
  if (batch.length > 0) yield batch;
}

/** Tries again while the gateway is away or busy: under the same key, nothing is logged twice. */
async function logged(
  batch: readonly GoodEvent[],
  { gateway, log, note }: { readonly gateway: Gateway; readonly log: string; readonly note: Output["note"] },
): Promise<{ readonly first: number; readonly last: number }> {
  const events = batch.map(sentEvent);
  const [{ line: firstLine } = { line: 0 }] = batch;
  // Where the batch begins is part of its key: two batches of the same events are two.
  const digest = createHash("sha256").update(JSON.stringify([log, firstLine, events]));
  const variables = { events, log, key: `import-${digest.digest("base64url")}` };
  const call = async () => leafIndexesIn(await ask(gateway, { query: LOG_BULK, variables }));
  return patiently(call, { passes: (error) => isBusy(error) || error instanceof UnreachableError, note });
}

function leafIndexesIn({ logBulk }: Members): { readonly first: number; readonly last: number } {
  const { entries } = (logBulk ?? {}) as { readonly entries?: readonly { readonly leafIndex: number }[] };
  const [first, last] = [entries?.[0]?.leafIndex, entries?.at(-1)?.leafIndex];
  if (first === undefined || last === undefined) throw new CommandError("the gateway answered without entries");
  return { first, last };
}

/** The gateway's problems name places in the request: what the user has is lines of the file. */
function inLines(error: unknown, batch: readonly GoodEvent[]): unknown {
  if (!(error instanceof ApiError)) return error;
  const message = error.message.replace(/\bevents\[(\d+)\]/g, (path: string, at: string) => {
    const line = batch[Number(at)]?.line;
    return line === undefined ? path : `line ${line}`;
  });
  return new CommandError(message);
}
