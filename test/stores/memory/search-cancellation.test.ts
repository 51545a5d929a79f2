import { indexed } from "../../../src/engine/search/open-index.js";
import { openMemory } from "../../../src/stores/memory/open.js";
import { searchCancellationContract } from "../search-cancellation-contract.js";
import { KEYRING } from "../../keyring.js";

/** A scan of some thousand entries lets others have their turn before it ends: nothing has to hold it. */
const hold = (): Promise<() => Promise<void>> => Promise.resolve(() => Promise.resolve());

searchCancellationContract("memory", () => Promise.resolve({ store: indexed(openMemory(), KEYRING), hold }));
