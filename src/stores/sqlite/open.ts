import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { IndexedStore } from "../../audit/search-index.js";
import { storeFailure } from "./failure.js";
import { SqliteLogStore } from "./log-store.js";
import { SqliteSearchIndex } from "./search-index.js";
import type { WorkerFiles } from "./worker-thread.js";

/** Opens the log file at `path` and the index beside it; creates the folder and the files that are missing. */
export async function openSqlite(path: string): Promise<IndexedStore> {
  const files = filesAt(path);
  let index: SqliteSearchIndex | undefined;
  const opening = SqliteLogStore.open(files, () => index?.wake());
  try {
    index = await SqliteSearchIndex.open(files, opening);
    const log = await opening;
    return { log, index, bulkQueue: log.bulkQueue, isShared: false };
  } catch (error) {
    await opening.then(
      (log) => log.close(),
      () => undefined,
    );
    throw error;
  }
}

/** The lock is a file beside the log, so two paths of one file have to become one path. */
function filesAt(path: string): WorkerFiles {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const logPath = existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
    return { logPath, indexPath: `${logPath}-index` };
  } catch (error) {
    throw storeFailure(error, path);
  }
}
