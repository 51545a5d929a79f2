import { openMemory } from "../../../src/stores/memory/open.js";
import { searchIndexContract } from "../search-index-contract.js";

searchIndexContract("memory", () => Promise.resolve(openMemory()));
