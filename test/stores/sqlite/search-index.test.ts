import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@jest/globals";
import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { searchIndexContract } from "../search-index-contract.js";

const folder = await mkdtemp(join(tmpdir(), "auditql-sqlite-"));
afterAll(() => rm(folder, { recursive: true }));

searchIndexContract("sqlite", () => openSqlite(join(folder, "log.db")));
