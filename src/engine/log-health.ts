import { deadline } from "../audit/calls.js";
import { AuditError, endsLog } from "../audit/errors.js";
import type { AuditService } from "../audit/service.js";
import type { LogStore } from "../audit/store.js";

/** Our own engine, which knows more about a log than the audit service port says. */
export interface LocalAuditService extends AuditService {
  /**
   * Why a log accepts no more entries: LOG_CORRUPT or ROOT_CONFLICT. Undefined while it does, and for an unknown log.
   */
  broken(log: string): AuditError | undefined;
}

/** The services that reads of a log go through. */
export interface ReadPaths {
  readonly service: LocalAuditService;
  readonly store: Pick<LogStore, "head" | "entries">;
}

/**
 * `impaired`: entries can be read, but for the given reason none are accepted, or the roots are not available now.
 * `unreadable`: nothing says what the entries are, so none are shown.
 */
export type LogHealth =
  { readonly kind: "sound" } | { readonly kind: "impaired" | "unreadable"; readonly error: AuditError };

/** Shorter than a probe's timeout: a root waits for seconds when a standby is unreachable, but entries do not. */
const ROOT_TIMEOUT_MS = 1_000;

/**
 * Reads something small from a log in each way that clients read: an entry, the head, the newest root. Rejects when the
 * store does not return what it has.
 */
export async function checkLog(
  { service, store }: ReadPaths,
  log: string,
  rootTimeoutMs = ROOT_TIMEOUT_MS,
): Promise<LogHealth> {
  // The newest root may be cached here, and then says nothing about the store.
  const newestRoot = deadline(service.root(log), rootTimeoutMs).catch(obstacleIn);
  const [root] = await Promise.all([newestRoot, store.entries(log, [0]), store.head(log)]);
  const error = root instanceof AuditError ? root : service.broken(log);
  return error === undefined ? { kind: "sound" } : { kind: await shown(service, log), error };
}

/** A changed entry leaves the newest root without a time, but does not stop new entries. */
function obstacleIn(error: unknown): AuditError | undefined {
  if (error instanceof AuditError && error.code === "ENTRY_CORRUPT") return undefined;
  return error instanceof AuditError
    ? error
    : new AuditError("UNAVAILABLE", "The log's newest root was not available in time: try again.");
}

async function shown(service: LocalAuditService, log: string): Promise<"impaired" | "unreadable"> {
  try {
    await service.entries(log, [0]);
    return "impaired";
  } catch (error) {
    if (endsLog(error)) return "unreadable";
    throw error;
  }
}
