import type { Sha256 } from "../core/bytes.js";
import { schemaDigest, type EventSchema } from "../core/event-schema.js";
import { FORMAT_NAMES, type FormatName } from "../core/format.js";

export type { EventSchema, SchemaField } from "../core/event-schema.js";

/** A log that a gateway is configured to keep. */
export interface LogDeclaration {
  readonly log: string;
  readonly format: FormatName;
  /** The maximum bytes of message, new and old each, of an rfc6962 log; see eventRules. */
  readonly maxValueBytes?: number;
  /** The fields of the events of a pangea log, in place of the standard ones. */
  readonly schema?: EventSchema;
}

/** What a log was declared as when it was created: its format, and the digest of its schema where it has one. */
export type StoredFormat = FormatName | `pangea ${string}`;

const WITH_SCHEMA = /^pangea [0-9a-f]{64}$/;

/** What is stored of a declaration. Throws a RangeError for a schema of a log that is not of the format pangea. */
export function storedFormat({ log, format, schema }: LogDeclaration, sha256: Sha256): StoredFormat {
  if (schema === undefined) return format;
  if (format !== "pangea")
    throw new RangeError(`the log ${log} has the format ${format}: only one of pangea has a schema`);
  return `pangea ${schemaDigest(schema, sha256)}`;
}

/** Whether a text is what `storedFormat` writes. */
export function isStoredFormat(text: string): text is StoredFormat {
  return FORMAT_NAMES.some((name) => name === text) || WITH_SCHEMA.test(text);
}

/** The format in a stored text. */
export function formatIn(stored: StoredFormat): FormatName {
  return FORMAT_NAMES.find((name) => name === stored) ?? "pangea";
}
