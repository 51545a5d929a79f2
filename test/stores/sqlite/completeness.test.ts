import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { completenessContract } from "../../engine/search/completeness-contract.js";
import { freshPaths } from "./folder.js";

const freshPath = freshPaths();

completenessContract("sqlite", async () => [await openSqlite(freshPath())]);
