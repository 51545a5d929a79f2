import { openForReading } from "./file.js";
import { openIndex } from "./index-opening.js";
import { IndexWriter, type IndexNotice } from "./index-writer.js";
import { LogFollower } from "./log-follower.js";
import { serveWorker } from "./worker-thread.js";

await serveWorker<IndexWriter, IndexNotice>({
  subject: "the search index",
  open: ({ driver, files, notify }) => {
    const log = new LogFollower(openForReading(driver, files.logPath));
    return new IndexWriter(log, openIndex(driver, files.indexPath, log), notify);
  },
});
