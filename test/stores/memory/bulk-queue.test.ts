import { MemoryBulkQueue } from "../../../src/stores/memory/bulk-queue.js";
import { bulkQueueContract } from "../bulk-queue-contract.js";

bulkQueueContract("memory", {
  open: () => Promise.resolve(new MemoryBulkQueue()),
  openAgain: undefined,
  overwrite: undefined,
  close: () => Promise.resolve(),
});
