import { deadline } from "../audit/deadline.js";
import { AuditError, endsLog } from "../audit/errors.js";
import type { AuditService } from "../audit/service.js";
import type { LogStore } from "../audit/store.js";

/** Our own engine, which can say more of a log than any audit service can. */
export interface LocalAuditService extends AuditService {
  /** Why a log takes no more entries: LOG_CORRUPT or ROOT_CONFLICT. Undefined while it does, and for an unknown log. */
  broken(log: string): AuditError | undefined;
}

/** What reads of a log go through. */
export interface ReadPaths {
  readonly service: LocalAuditService;
  readonly store: Pick<LogStore, "head" | "entries">;
}

/**
 * `impaired`: its entries are read, but for the reason given it takes none, or its roots cannot be told now. `unreadable`:
 * nothing says what its entries are, so nothing of it is shown.
 */
export type LogHealth =
  { readonly kind: "sound" } | { readonly kind: "impaired" | "unreadable"; readonly error: AuditError };

/** Below the time that a probe has: a root waits up to seconds for a standby that is away, and entries wait for none. */
const ROOT_TIMEOUT_MS = 1_000;

/**
 * Reads something small of a log in each of the ways that clients read: an entry, the head, the newest root. Rejects when the
 * store does not return what it has.
 */
export async function checkLog(
  { service, store }: ReadPaths,
  log: string,
  rootTimeoutMs = ROOT_TIMEOUT_MS,
): Promise<LogHealth> {
  // The newest root may be known here, and then says nothing of the store.
  const newestRoot = deadline(service.root(log), rootTimeoutMs).catch(obstacleIn);
  const [root] = await Promise.all([newestRoot, store.entries(log, [0]), store.head(log)]);
  const error = root instanceof AuditError ? root : service.broken(log);
  return error === undefined ? { kind: "sound" } : { kind: await shown(service, log), error };
}

/** An entry that was changed, which dates the newest root, keeps no entry out. */
function obstacleIn(error: unknown): AuditError | undefined {
  if (error instanceof AuditError && error.code === "ENTRY_CORRUPT") return undefined;
  return error instanceof AuditError ? error : new AuditError("UNAVAILABLE", "Its newest root is not known in time.");
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
