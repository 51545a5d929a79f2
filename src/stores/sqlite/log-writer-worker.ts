import { openForWriting } from "./file.js";
import { LOG_FILE } from "./log-file.js";
import { lockLogFile, type LogLock } from "./log-lock.js";
import { LOG_SUBJECT, LogWriter, type LogWriterProtocol } from "./log-writer.js";
import { WalDurability } from "./wal-durability.js";
import { serveWorker } from "./worker-thread.js";

await serveWorker<LogWriterProtocol>({
  subject: LOG_SUBJECT,
  open: ({ driver, files }) => {
    const lock = lockLogFile(driver, files.logPath);
    const writer = openOrRelease(lock, () => {
      const database = openForWriting(driver, files.logPath, LOG_FILE);
      return new LogWriter(database, new WalDurability(files.logPath));
    });
    return {
      createLog: (initial) => writer.createLog(initial),
      heads: () => writer.heads(),
      headless: () => writer.headless(),
      head: (log) => writer.head(log),
      append: (batch) => writer.append(batch),
      confirm: () => {
        writer.confirm();
      },
      keepReceipts: (kept) => {
        writer.keepReceipts(kept);
      },
      close: () => {
        writer.close();
        lock.release();
      },
    };
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
