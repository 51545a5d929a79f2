import { openForReading } from "./file.js";
import { LogReader, type LogReaderProtocol } from "./log-reader.js";
import { serveWorker } from "./worker-thread.js";

await serveWorker<LogReaderProtocol>({
  subject: "the log file",
  open: ({ driver, files }) => new LogReader(openForReading(driver, files.logPath)),
});
