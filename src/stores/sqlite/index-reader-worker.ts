import { openForReading } from "./file.js";
import { IndexReader } from "./index-reader.js";
import { serveWorker } from "./worker-thread.js";

await serveWorker<IndexReader>({
  subject: "the search index",
  open: ({ driver, files }) => new IndexReader(openForReading(driver, files.indexPath)),
});
