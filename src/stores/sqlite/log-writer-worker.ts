import { openForWriting } from "./file.js";
import { LOG_FILE } from "./log-file.js";
import { lockLogFile, type LogLock } from "./log-lock.js";
import { LogWriter, type LogWriterProtocol } from "./log-writer.js";
import { serveWorker } from "./worker-thread.js";

await serveWorker<LogWriterProtocol>({
  subject: "the log file",
  open: ({ driver, files }) => {
    const lock = lockLogFile(driver, files.logPath);
    const writer = openOrRelease(lock, () => new LogWriter(openForWriting(driver, files.logPath, LOG_FILE)));
    return {
      createLog: (initial) => writer.createLog(initial),
      heads: () => writer.heads(),
      head: (log) => writer.head(log),
      append: (batch) => writer.append(batch),
      close: () => {
        writer.close();
        lock.release();
      },
    };
  },
});

function openOrRelease(lock: LogLock, open: () => LogWriter): LogWriter {
  try {
    return open();
  } catch (error) {
    lock.release();
    throw error;
  }
}
