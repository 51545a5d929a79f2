import { AuditError } from "../../audit/errors.js";

/** SQLite's primary result codes (sqlite.org/rescode.html) that an operator can act on. */
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CONSTRAINT = 19;
const CANTOPEN = 14;
const NOTADB = 26;

const SENTENCES: ReadonlyMap<number, (subject: string) => string> = new Map([
  [BUSY, (subject) => `${subject} is locked by another process`],
  [READONLY, (subject) => `${subject} cannot be written: it, or its folder, is read-only`],
  [IOERR, (subject) => `reading or writing ${subject} failed: check the disk`],
  [CORRUPT, (subject) => `${subject} is damaged`],
  [FULL, (subject) => `${subject} cannot grow: the disk is full`],
  [CANTOPEN, (subject) => `${subject} cannot be opened: check that its folder exists and can be written`],
  [NOTADB, (subject) => `${subject} is not an SQLite database`],
]);

/** When to retry what an operator has to fix first, or time resolves. */
const RETRY_AFTER_MS = 1_000;

/** An engine's error as a sentence about `subject`, such as `the log file`. An AuditError is returned as it is. */
export function storeFailure(error: unknown, subject: string): AuditError {
  if (error instanceof AuditError) return error;
  const sentence = SENTENCES.get(primaryCode(error) ?? 0)?.(subject) ?? `${subject}: ${messageOf(error)}`;
  return new AuditError("UNAVAILABLE", sentence, { cause: error, retryAfterMs: RETRY_AFTER_MS });
}

/** A file of ours with content that this code cannot use: of another schema, or derived from another log. */
export class UnusableFileError extends Error {
  override readonly name = "UnusableFileError";
}

/** A constraint counts, because derived data only violates one when its own tables contradict each other. */
const BEYOND_USE: readonly (number | undefined)[] = [CORRUPT, CONSTRAINT, NOTADB];

/** Whether an error means that a file's content is unusable, not just unreachable now: derived data is then rebuilt. */
export function isBeyondUse(error: unknown): boolean {
  return error instanceof UnusableFileError || BEYOND_USE.includes(primaryCode(error));
}

/**
 * A full disk ends a COMMIT before its last frame, without which the others are ignored (sqlite.org/fileformat2.html,
 * 4.4).
 */
const WRITE_NOTHING: readonly (number | undefined)[] = [BUSY, READONLY, FULL];

/**
 * Whether a COMMIT that failed with this error may still be found in the file later: frames are written before they are
 * synced.
 */
export function mayBeCommitted(error: unknown): boolean {
  return !WRITE_NOTHING.includes(primaryCode(error));
}

export const saysBusy = (error: unknown): boolean => primaryCode(error) === BUSY;

/** `errcode` in node:sqlite, `rawCode` in libsql, whose failed open has the code only at the end of its message. */
function primaryCode(error: unknown): number | undefined {
  const code = memberOf(error, "errcode") ?? memberOf(error, "rawCode");
  if (typeof code === "number") return code & 0xff;
  const ending = /^ConnectionFailed\(.*: (\d+)"?\)$/s.exec(messageOf(error))?.[1];
  return ending === undefined ? undefined : Number(ending) & 0xff;
}

/** Not by `instanceof Error`: a native library's errors may come from another realm. */
function messageOf(error: unknown): string {
  const message = memberOf(error, "message");
  return typeof message === "string" ? message : String(error);
}

function memberOf(value: unknown, name: string): unknown {
  const member: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  return member;
}
