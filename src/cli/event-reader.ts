import { parse as csvParser } from "csv-parse";
import { createReadStream } from "node:fs";
import { customObject, isCustomField, isCustomValue } from "../core/custom-field.js";
import { EVENT_FIELDS, parseEvent, type AuditEvent, type FieldProblem } from "../core/event.js";
import { eventRules, MAX_EVENT_BYTES } from "../core/event-rules.js";
import { isPlainObject, memberPath, nameOf } from "../core/json.js";
import { parseLossless } from "../core/lossless-json.js";
import { CommandError } from "./output.js";

/** An event of a file, with its author's signature if it has one; or what is wrong with it. */
export type ReadEvent =
  | {
      readonly kind: "event";
      /** Its line in the file, from 1; of a document, its place in the list. */
      readonly line: number;
      readonly event: AuditEvent;
      readonly signature?: string;
      readonly publicKey?: string;
    }
  | { readonly kind: "bad"; readonly line: number; readonly problems: readonly FieldProblem[] };

export type GoodEvent = Extract<ReadEvent, { readonly kind: "event" }>;

/** What is sent in one request at the most. Under a key that follows from its events, another number is another request. */
export const BATCH = { events: 500, characters: 512 * 1_024 } as const;

/** The column that each field stands in, by the field's name. */
export type Columns = ReadonlyMap<string, string>;

/** Several times what the largest event takes, escaped in any way. */
export const MAX_LINE_BYTES = 8 * 2 ** 20;
const NEWLINE = 0x0a;
/** The loosest rules of any log: those of the log that is imported into are the gateway's to say. */
const RULES = eventRules("rfc6962", MAX_EVENT_BYTES);

/** What the API calls a field, where an event has another name for it. */
const API_NAMES: Readonly<Record<string, string>> = { tenantId: "tenant_id" };

/** The events of a file with one JSON object on each line, in the API's names. Rejects like `linesOf`. */
export function readNdjson(path: string): AsyncGenerator<ReadEvent> {
  return ndjsonEvents(path, createReadStream(path));
}

/** The same of bytes as they come; `path` is what messages call them. */
export async function* ndjsonEvents(path: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<ReadEvent> {
  for await (const { line, text } of linesIn(path, chunks)) {
    const value = parsed(text);
    yield value === undefined ? bad(line, "a JSON object", "other text") : eventOf(line, value);
  }
}

/** A line is too long for an event; what it is a part of may still be something else. */
export class LongLineError extends CommandError {
  override readonly name = "LongLineError";
}

/** The lines of a file that are not blank, as they are read. Rejects with LongLineError on one that is too long. */
export function linesOf(path: string): AsyncGenerator<FileLine> {
  return linesIn(path, createReadStream(path));
}

interface FileLine {
  readonly line: number;
  readonly text: string;
}

async function* linesIn(path: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<FileLine> {
  let [line, kept, keptBytes] = [1, new Array<Buffer>(), 0];
  const whole = (): string => Buffer.concat(kept).toString();
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      kept.push(chunk.subarray(start, end));
      const text = whole();
      if (text.trim() !== "") yield { line, text };
      [line, kept, keptBytes, start] = [line + 1, [], 0, end + 1];
    }
    kept.push(chunk.subarray(start));
    keptBytes += chunk.length - start;
    if (keptBytes > MAX_LINE_BYTES)
      throw new LongLineError(`${path}:${line}: a line of more than ${MAX_LINE_BYTES} bytes`);
  }
  if (whole().trim() !== "") yield { line, text: whole() };
}

/**
 * The events of a CSV file (RFC 4180) with a header. With `columns`, the fields that they name and nothing else; without,
 * each column has a field's name. Empty cells are absent fields. Rejects with CommandError where the header does not fit.
 */
export async function* readCsv(path: string, columns?: Columns): AsyncGenerator<ReadEvent> {
  const parser = createReadStream(path).pipe(
    csvParser({
      bom: true,
      info: true,
      relax_column_count: true,
      max_record_size: MAX_LINE_BYTES,
      skip_empty_lines: true,
    }),
  );
  const rows: AsyncIterable<CsvRow> = parser;
  let fields: readonly (string | undefined)[] | undefined;
  try {
    for await (const { info, record } of rows) {
      if (fields === undefined) {
        fields = fieldsOf(record, { path, columns });
        continue;
      }
      if (record.length === fields.length) yield eventOf(info.lines, cellsOf(record, fields));
      else yield bad(info.lines, `${fields.length} cells, as the header has`, String(record.length));
    }
  } catch (error) {
    throw isCsvError(error) ? new CommandError(`${path}: ${error.message}`) : error;
  }
  if (fields === undefined) throw new CommandError(`${path}: expected a header that names the columns`);
}

interface CsvRow {
  readonly info: { readonly lines: number };
  readonly record: readonly string[];
}

function isCsvError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("CSV_");
}

/** The field of each column; undefined for one that is left out. */
function fieldsOf(
  header: readonly string[],
  { path, columns }: { readonly path: string; readonly columns: Columns | undefined },
): readonly (string | undefined)[] {
  const names = [...EVENT_FIELDS, ...Object.keys(API_NAMES)];
  if (columns === undefined) {
    const strangers = header.filter((column) => !names.includes(column));
    if (strangers.length === 0) return header;
    throw new CommandError(
      `${path}: no field is named ${strangers.map((name) => JSON.stringify(name)).join(", ")}: say with --columns which columns to import, as field=column`,
    );
  }
  const missing = [...columns.values()].filter((column) => !header.includes(column));
  if (missing.length > 0)
    throw new CommandError(`${path}: there is no column ${missing.map((name) => JSON.stringify(name)).join(", ")}`);
  return header.map((column) => [...columns].find(([, name]) => name === column)?.[0]);
}

function cellsOf(record: readonly string[], fields: readonly (string | undefined)[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    record.flatMap((cell, at) => {
      const field = fields[at];
      return field === undefined || cell === "" ? [] : [[field, cell]];
    }),
  );
}

/** An event in the API's names, with the signature beside it. */
export function eventOf(line: number, value: unknown): ReadEvent {
  if (!isPlainObject(value)) return bad(line, "a JSON object", "another value");
  const { signature, publicKey, custom = {}, ...members } = value;
  if (!isPlainObject(custom)) return bad(line, "its own fields in an object, custom", nameOf(custom));
  const unfit = Object.entries(custom).filter(([name, member]) => !isCustomField(name) || !isCustomValue(member));
  if (unfit.length > 0) return { kind: "bad", line, problems: unfit.map(customProblem) };
  const named = Object.entries(members).map(([name, member]) => [API_NAMES[name] ?? name, member]);
  const event = parseEvent(Object.fromEntries(named), "event", RULES);
  if (event.kind === "invalid") return { kind: "bad", line, problems: event.problems };
  const isSigned = typeof signature === "string" && typeof publicKey === "string";
  if (!isSigned && (signature ?? publicKey ?? null) !== null)
    return bad(line, "a signature and its publicKey, both texts", "one of them");
  return { kind: "event", line, event: { ...custom, ...event.event }, ...(isSigned && { signature, publicKey }) };
}

/** An event as the API takes it. */
export function sentEvent({ event, signature, publicKey }: ReadEvent & { readonly kind: "event" }): object {
  const { tenant_id: tenantId, ...fields } = event;
  const standard = Object.entries(fields).filter(([name]) => !isCustomField(name));
  return { ...Object.fromEntries(standard), tenantId, custom: customObject(event), signature, publicKey };
}

function customProblem([name, value]: readonly [string, unknown]): FieldProblem {
  const path = memberPath("event.custom", name);
  if (!isCustomField(name)) return { path, expected: "a name that a custom field may have", got: "another" };
  return { path, expected: "text, true, false or an integer of at most 2^53 - 1", got: nameOf(value) };
}

export function bad(line: number, expected: string, got: string): ReadEvent {
  return { kind: "bad", line, problems: [{ path: "event", expected, got }] };
}

/** JSON with a mark in place of what a number or a key would lose; undefined for other text. */
export function parsed(text: string): unknown {
  try {
    return parseLossless(text);
  } catch {
    return undefined;
  }
}
