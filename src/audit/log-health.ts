import { AuditError, endsLog } from "./errors.js";
import type { AuditService } from "./service.js";
import type { LogStore } from "./store.js";

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
 * Reads something small of a log in each of the ways that clients read: an entry, the head, the newest root. Resolves with
 * the reason why the log cannot be written, where it can be read all the same. Rejects when it cannot be read.
 */
export async function checkLog({ service, store }: ReadPaths, log: string): Promise<AuditError | undefined> {
  // The newest root may be known here, and then says nothing of the store; and where none can be trusted, entries are read.
  const newestRoot = service.root(log).catch((error: unknown) => {
    if (!endsLog(error)) throw error;
    return error;
  });
  const [root] = await Promise.all([newestRoot, store.entries(log, [0]), store.head(log)]);
  return root instanceof AuditError ? root : service.broken(log);
}
