import { AuditError } from "./errors.js";

/**
 * What an operator must hear about at once: an error's code where what is stored or signed contradicts itself; a clock that
 * is wrong; an index that was changed.
 */
export const ALARM_CODES = ["ENTRY_CORRUPT", "LOG_CORRUPT", "ROOT_CONFLICT", "WRONG_CLOCK", "WRONG_INDEX"] as const;

export type AlarmCode = (typeof ALARM_CODES)[number];

/** Called with a sentence for the operator, and the code that the alarm is counted under. */
export type Alarm = (sentence: string, code: AlarmCode) => void;

/** Undefined for an error that raises no alarm. */
export function alarmCodeOf(error: unknown): AlarmCode | undefined {
  return error instanceof AuditError ? ALARM_CODES.find((code) => code === error.code) : undefined;
}
