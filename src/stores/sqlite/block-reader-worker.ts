import { BlockReader } from "./block-reader.js";
import { openForReading } from "./file.js";
import { INDEX_FILE } from "./index-file.js";
import { serveWorker } from "./worker-thread.js";

await serveWorker<BlockReader>({
  subject: "the search index",
  open: ({ driver, files }) => new BlockReader(openForReading(driver, files.indexPath, INDEX_FILE)),
});
