import { AuditError } from "./errors.js";

/**
 * Why a store of an earlier version is not opened: its table `bulks` holds bulk requests that were accepted and still
 * wait. This version does not read them, so they would never be logged.
 */
export function undrained(waiting: number): AuditError {
  return new AuditError(
    "UNAVAILABLE",
    `the store holds bulk requests (${waiting}) that an earlier version of AuditQL accepted and has not logged yet, and this version has no queue for them: start that version, wait until its metric auditql_bulk_queue_bytes is 0 for every log, stop it, and start this one`,
  );
}
