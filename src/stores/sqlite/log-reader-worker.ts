import { openForReading } from "./file.js";
import { LogReader } from "./log-reader.js";
import { serveWorker } from "./worker-thread.js";

await serveWorker<LogReader>({
  subject: "the log file",
  open: ({ driver, files }) => new LogReader(openForReading(driver, files.logPath)),
});
