import { AccessError } from "../access/access-error.js";
import { AuditError } from "../audit/errors.js";
import { KeyFileError } from "../keys/seed-file.js";

/** Failures that say by themselves what to do get one line; anything else is a fault of ours and shows where. */
export function explanation(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const saysWhatToDo = [AuditError, KeyFileError, AccessError].some((kind) => error instanceof kind);
  return saysWhatToDo ? error.message : (error.stack ?? error.message);
}
