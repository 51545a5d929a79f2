import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { logStoreContract } from "../log-store-contract.js";

logStoreContract("memory", {
  open: () => Promise.resolve(new MemoryLogStore()),
  reopen: undefined,
  deleteHead: undefined,
});
