import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AuditError } from "../../audit/errors.js";
import type { OpenedStore } from "../../audit/search-index.js";
import { makePrivateFolder } from "../../keys/private-file.js";
import { SqliteBlockStore } from "./block-store.js";
import { storeFailure } from "./failure.js";
import { openSqliteLog } from "./log-store.js";
import type { OnDeath } from "./worker-channel.js";
import type { WorkerFiles } from "./worker-thread.js";

/**
 * Opens the log file at `path` and the index beside it; creates the folder and missing files. `onDeath` is called when
 * one of their threads ends by itself.
 */
export async function openSqlite(path: string, onDeath?: OnDeath): Promise<OpenedStore> {
  const files = filesAt(path);
  const opening = openSqliteLog(files, onDeath);
  try {
    const blocks = await SqliteBlockStore.open(files, opening, onDeath);
    return { log: await opening, blocks, isShared: false };
  } catch (error) {
    await opening.then(
      (log) => log.close(),
      () => undefined,
    );
    throw error;
  }
}

/** The lock and the WAL are named after the log file, so two paths of one file must become one path. */
function filesAt(path: string): WorkerFiles {
  try {
    makePrivateFolder(dirname(path));
    const logPath = existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
    requireOneName(logPath);
    return { logPath, indexPath: `${logPath}-index` };
  } catch (error) {
    throw storeFailure(error, path);
  }
}

/** Through another hard link a second gateway would bypass the lock, and keep a WAL that this one never sees. */
function requireOneName(logPath: string): void {
  const found = statSync(logPath, { throwIfNoEntry: false });
  const names = found?.isFile() === true ? found.nlink : 1;
  if (names === 1) return;
  throw new AuditError(
    "UNAVAILABLE",
    `${logPath} has ${names} names (hard links), but an SQLite log may have only one: remove the others, or copy the file and open the copy`,
  );
}
