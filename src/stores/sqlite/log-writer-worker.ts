import { openForWriting } from "./file.js";
import { LOG_FILE } from "./log-file.js";
import { lockLogFile, type LogLock } from "./log-lock.js";
import { LOG_SUBJECT, LogWriter } from "./log-writer.js";
import { WalDurability } from "./wal-durability.js";
import { serveWorker } from "./worker-thread.js";

await serveWorker<LogWriter>({
  subject: LOG_SUBJECT,
  open: ({ driver, files }) => {
    const lock = lockLogFile(driver, files.logPath);
    return openOrRelease(lock, () => {
      const database = openForWriting(driver, files.logPath, LOG_FILE);
      return new LogWriter(database, new WalDurability(files.logPath), () => {
        lock.release();
      });
    });
  },
});

function openOrRelease<T>(lock: LogLock, open: () => T): T {
  try {
    return open();
  } catch (error) {
    lock.release();
    throw error;
  }
}
