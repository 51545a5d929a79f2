import { BlockWriter } from "./block-writer.js";
import { openForWriting } from "./file.js";
import { INDEX_FILE } from "./index-file.js";
import { serveWorker } from "./worker-thread.js";

await serveWorker<BlockWriter>({
  subject: "the search index",
  open: ({ driver, files }) => new BlockWriter(openForWriting(driver, files.indexPath, INDEX_FILE)),
});
