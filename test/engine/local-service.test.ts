import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replaced } from "../../src/audit/calls.js";
import type { IndexedStore, SearchIndex } from "../../src/audit/search-index.js";
import { FORMAT_NAMES } from "../../src/core/format.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { SegmentIndex } from "../../src/engine/search/segment-index.js";
import { MemoryBlockStore } from "../../src/stores/memory/block-store.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { openSqlite } from "../../src/stores/sqlite/open.js";
import { customFieldsContract } from "../audit/custom-fields-contract.js";
import { downloadContract } from "../audit/download-contract.js";
import { auditSearchContract } from "../audit/search-contract.js";
import { auditServiceContract, type OpenService } from "../audit/service-contract.js";
import { logMessages, openTestService } from "./test-log.js";
import { KEYRING } from "../keyring.js";

function contract(open: OpenService): void {
  auditServiceContract(open);
  downloadContract(open);
  auditSearchContract(open);
}

describe.each(FORMAT_NAMES)("the local service over the memory store, in the format %s", (format) => {
  contract(async () => ({ service: await openTestService({ logs: [{ log: "default", format }] }), log: "default" }));
});

describe("the local service, of a log with a schema", () => {
  customFieldsContract(async (schema) => {
    const service = await openTestService({ logs: [{ log: "default", format: "pangea", schema }] });
    return { service, log: "default", close: () => service.close() };
  });
});

/** Opening the store costs more than a test, so the tests share it, each with a log of its own. */
describe("the local service over the SQLite store", () => {
  let folder: string;
  let opened: IndexedStore;
  let logs = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-service-"));
    opened = indexed(await openSqlite(join(folder, "audit.db")), KEYRING);
  });
  afterAll(async () => {
    await opened.index.close();
    await opened.log.close();
    await rm(folder, { recursive: true });
  });

  contract(async () => {
    const log = `log-${(logs += 1)}`;
    const { log: store, index } = opened;
    return { service: await openTestService({ store, index, logs: [{ log, format: "rfc6962" }] }), log };
  });
});

test("after a search has its index read what is logged next, once", async () => {
  const index = new SegmentIndex({ log: new MemoryLogStore(), blocks: new MemoryBlockStore(), isShared: false });
  const prepared: (readonly unknown[])[] = [];
  const noting = replaced<SearchIndex>(index, { prepare: (...what) => void prepared.push(what) });
  const logs = [
    { log: "default", format: "rfc6962" },
    { log: "second", format: "rfc6962" },
  ] as const;
  const service = await openTestService({ index: noting, logs });
  await logMessages(service, 3);
  expect(prepared).toEqual([]);
  for (const query of ["event", "m"]) await service.search({ log: "default", query }, { first: 1 });
  await logMessages(service, 1, "second");
  expect(prepared).toEqual([]);
  await logMessages(service, 2);
  await logMessages(service, 2);
  expect(prepared).toEqual([["default", 5, 0]]);
  await service.search({ log: "default", query: "" }, { first: 1 });
  await logMessages(service, 1);
  expect(prepared).toEqual([
    ["default", 5, 0],
    ["default", 8, 0],
  ]);
  await service.close();
  await index.close();
});

describe("logs", () => {
  test("are kept apart: their entries, their roots and their keys' names", async () => {
    const logs = [
      { log: "default", format: "rfc6962" },
      { log: "second", format: "pangea" },
    ] as const;
    const service = await openTestService({ logs });
    await logMessages(service, 3);
    await logMessages(service, 2, "second");
    const [first, second] = [await service.root("default"), await service.root("second")];
    expect([first.treeSize, second.treeSize]).toEqual([3, 2]);
    expect((await service.identity("second")).verifierKey).toMatch(/^test\.example\/auditql\/second\+[0-9a-f]{8}\+/);
    const confused = await service.checkpointVerdict({ ...first, log: "second" });
    expect(confused).toEqual({ kind: "INVALID", reason: "UNKNOWN_KEY" });
  });
});
