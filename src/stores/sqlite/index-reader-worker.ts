import { openForReading } from "./file.js";
import { IndexReader, type IndexReaderProtocol } from "./index-reader.js";
import { serveWorker } from "./worker-thread.js";

await serveWorker<IndexReaderProtocol>({
  subject: "the search index",
  open: ({ driver, files }) => new IndexReader(openForReading(driver, files.indexPath)),
});
