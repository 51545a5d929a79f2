import { openMemory } from "../../../src/stores/memory/open.js";
import { blockStoreContract } from "../block-store-contract.js";

blockStoreContract("memory", () => Promise.resolve({ opened: openMemory(), reopen: undefined }));
