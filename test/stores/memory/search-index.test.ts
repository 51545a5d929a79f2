import { indexed } from "../../../src/engine/search/open-index.js";
import { openMemory } from "../../../src/stores/memory/open.js";
import { searchIndexContract } from "../search-index-contract.js";
import { KEYRING } from "../../keyring.js";

searchIndexContract("memory", () => Promise.resolve(indexed(openMemory(), KEYRING)));
