import { AuditError } from "../../audit/errors.js";

const WAY_OUT =
  "Nothing is written until the store holds the newest data again, or a new log takes over: " +
  "see ROOT_CONFLICT in docs/operating.md.";

/** ROOT_CONFLICT, for what one sentence says, with what to do about it. */
export function rootConflict(sentence: string): AuditError {
  return new AuditError("ROOT_CONFLICT", `${sentence} ${WAY_OUT}`);
}
