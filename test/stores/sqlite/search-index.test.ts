import { indexed } from "../../../src/engine/search/open-index.js";
import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { searchIndexContract } from "../search-index-contract.js";
import { freshPaths } from "./folder.js";
import { KEYRING } from "../../keyring.js";

const freshPath = freshPaths();

searchIndexContract("sqlite", async () => indexed(await openSqlite(freshPath()), KEYRING));
