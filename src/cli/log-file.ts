import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { isPlainObject } from "../core/json.js";
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
import {
  BATCH,
  eventOf,
  MAX_LINE_BYTES,
  ndjsonEvents,
  parsed,
  sentEvent,
  type GoodEvent,
  type ReadEvent,
} from "./event-reader.js";
import type { LogFlags } from "./log.js";
import { CommandError, explanation, type Output } from "./output.js";
import { jsonLine, printable } from "./printable.js";

const LOGGED = 0;
const REFUSED = 1;
const NOT_LOGGED = 2;

/** A batch's hashes take less than its events. */
const MAX_RECEIPT_BYTES = 2 ** 20;

const LOG_BULK = /* GraphQL */ `
  mutation LogFile($events: [AuditEventInput!]!, $log: ID, $sign: Boolean, $key: String!) {
    logBulk(events: $events, log: $log, sign: $sign, idempotencyKey: $key, skipInvalid: true) {
      entries {
        leafIndex
        hash
      }
      refused {
        index
        problems {
          path
          expected
          got
        }
      }
    }
  }
`;

/**
 * Logs the events of a file as they come, and prints a line for each: a JSON document of one event or a list, where the name
 * ends in .json; else one event on each line, of standard input where it is `-`. What is no event is named, and the others are
 * logged. Returns the exit code: 0 all are logged, 1 some were refused, 2 it could not be done or not to the end. Rejects never.
 */
export async function logEvents(
  path: string,
  flags: LogFlags,
  { token, output }: { readonly token: string | undefined; readonly output: Output },
): Promise<number> {
  let [logged, refused] = [0, 0];
  try {
    const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
    for await (const batch of batches(eventsOf(path))) {
      const good = batch.filter((read) => read.kind === "event");
      const receipt = good.length === 0 ? NOTHING : await sentBatch(good, { gateway, flags, output });
      const wrong = [...batch.flatMap(unreadable), ...receipt.refused];
      for (const { line, complaints } of wrong) for (const text of complaints) output.note(`line ${line}: ${text}`);
      for (const entry of receipt.entries) await output.write(flags.json === true ? jsonLine(entry) : lineOf(entry));
      logged += receipt.entries.length;
      refused += wrong.length;
    }
  } catch (error) {
    output.note(`cannot log: ${explanation(error)}; ${logged} events were logged before`);
    return NOT_LOGGED;
  }
  if (refused > 0) output.note(`${refused} of ${logged + refused} events were refused`);
  return refused > 0 ? REFUSED : LOGGED;
}

async function* eventsOf(path: string): AsyncGenerator<ReadEvent> {
  if (/\.json$/i.test(path)) yield* documentEvents(path);
  else
    yield* ndjsonEvents(path === "-" ? "standard input" : path, path === "-" ? process.stdin : createReadStream(path));
}

/** Of a document, the line of an event is its place in the list. */
async function* documentEvents(path: string): AsyncGenerator<ReadEvent> {
  const { size } = await stat(path);
  if (size > MAX_LINE_BYTES)
    throw new CommandError(
      `${path}: more than ${MAX_LINE_BYTES} bytes: write one event on each line, in a file of another name`,
    );
  const value = parsed(await readFile(path, "utf8"));
  if (value === undefined) throw new CommandError(`${path}: expected JSON: an event, or a list of events`);
  for (const [i, event] of (Array.isArray(value) ? value : [value]).entries()) yield eventOf(i + 1, event);
}

/** As many as have come by now, of what one request may have: nothing waits for what comes later. */
async function* batches(events: AsyncGenerator<ReadEvent>): AsyncGenerator<readonly ReadEvent[]> {
  let [batch, characters] = [new Array<ReadEvent>(), 0];
  for (let next = events.next(); ; next = events.next()) {
    const isHere = await Promise.race([next.then(() => true), setImmediate(false)]);
    const isFull = batch.length === BATCH.events || characters >= BATCH.characters;
    if (batch.length > 0 && (isFull || !isHere)) {
      yield batch;
      [batch, characters] = [[], 0];
    }
    const came = await next;
    if (came.done === true) break;
    batch.push(came.value);
    characters += came.value.kind === "event" ? JSON.stringify(came.value.event).length : 0;
  }
  if (batch.length > 0) yield batch;
}

interface BatchReceipt {
  readonly entries: readonly Members[];
  readonly refused: readonly Refused[];
}

interface Refused {
  readonly line: number;
  /** Each names a place in the event, and what was expected there. */
  readonly complaints: readonly string[];
}

interface Sending {
  readonly gateway: Gateway;
  readonly flags: LogFlags;
  readonly output: Output;
}

/** Where the gateway refuses the whole request for what is in it, each event is sent alone: the others may be good. */
async function sentBatch(batch: readonly GoodEvent[], sending: Sending): Promise<BatchReceipt> {
  try {
    return await sent(batch, sending);
  } catch (error) {
    const [first, second] = batch;
    if (!(error instanceof ApiError) || !error.codes.includes("BAD_USER_INPUT") || first === undefined) throw error;
    if (second === undefined) return { entries: [], refused: [refusedAlone(error, first)] };
    const receipts: BatchReceipt[] = [];
    for (const event of batch) receipts.push(await sentBatch([event], sending));
    return { entries: receipts.flatMap(({ entries }) => entries), refused: receipts.flatMap(({ refused }) => refused) };
  }
}

/** Tries again while the gateway is away or busy: under one key, nothing is logged twice. */
async function sent(batch: readonly GoodEvent[], { gateway, flags, output }: Sending): Promise<BatchReceipt> {
  const { log, sign } = flags;
  const variables = { events: batch.map(sentEvent), log, sign, key: randomUUID() };
  const call = () => ask(gateway, { query: LOG_BULK, variables, maxBytes: MAX_RECEIPT_BYTES });
  const passes = (error: unknown): boolean => isBusy(error) || error instanceof UnreachableError;
  const { logBulk } = await patiently(call, { passes, note: output.note });
  const { entries, refused }: Members = isPlainObject(logBulk) ? logBulk : {};
  if (!isObjects(entries) || !isObjects(refused))
    throw new CommandError(`${gateway.url.href} answered without a receipt`);
  return { entries, refused: refused.map((one) => refusedEvent(one, batch)) };
}

function isObjects(value: unknown): value is readonly Members[] {
  return Array.isArray(value) && value.every(isPlainObject);
}

const NOTHING: BatchReceipt = { entries: [], refused: [] };

function unreadable(read: ReadEvent): readonly Refused[] {
  if (read.kind === "event") return [];
  return [{ line: read.line, complaints: read.problems.map((problem) => complaint(problem.path, problem)) }];
}

/** The gateway names an event by its place in the request. */
function refusedEvent({ index, problems }: Members, batch: readonly GoodEvent[]): Refused {
  const named = isObjects(problems) ? problems : [];
  const complaints = named.map((problem) => complaint(String(problem["path"]), problem));
  return { line: batch[Number(index)]?.line ?? 0, complaints };
}

function complaint(path: string, { expected, got }: { readonly expected?: unknown; readonly got?: unknown }): string {
  return `${inEvent(path)}: expected ${String(expected)}, got ${String(got)}`;
}

/** Of the one event of a request, in the gateway's words. */
function refusedAlone({ message }: ApiError, { line }: GoodEvent): Refused {
  return { line, complaints: [inEvent(message)] };
}

function inEvent(text: string): string {
  return text.replaceAll(/\bevents\[\d+\]/g, "event");
}

function lineOf({ leafIndex, hash }: Members): string {
  return `${printable(`${String(leafIndex)} ${String(hash)}`)}\n`;
}
