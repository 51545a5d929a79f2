import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { AuditService } from "../../../src/audit/service.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { openLocalService } from "../../../src/engine/local-service.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openStore } from "../../../src/stores/index.js";
import { downloadContract } from "../../audit/download-contract.js";
import { auditSearchContract } from "../../audit/search-contract.js";
import { auditServiceContract } from "../../audit/service-contract.js";
import { message, ORIGIN } from "../../engine/test-log.js";
import { describeWith } from "../../service.js";
import { hasPostgres, type PostgresServer, somePostgres } from "./server.js";
import { KEYRING } from "../../keyring.js";

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let url: string;
  const closing: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await somePostgres();
    url = await server.newDatabase();
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  afterAll(async () => {
    await server.close();
  });

  /** A service on the database, with a cache of its own; its store is closed after the test. */
  async function gateway(log = "default"): Promise<AuditService> {
    const { log: store, index, isShared } = indexed(await openStore(url), KEYRING);
    closing.push(async () => {
      await index.close();
      await store.close();
    });
    const engines = {
      ...{ store, index, sharedStore: isShared },
      ...{ cache: new MemoryRootCache(), keyring: KEYRING },
    };
    return openLocalService({ ...engines, origin: ORIGIN, logs: [{ log, format: "rfc6962" }] });
  }

  describe("the local service over PostgreSQL", () => {
    let opened = 0;
    const open = async () => {
      const log = `log-${opened++}`;
      return { service: await gateway(log), log };
    };
    auditServiceContract(open);
    downloadContract(open);
    auditSearchContract(open);
  });

  describe("three gateways on one log", () => {
    const log = async (service: AuditService, text: string, name = "default") =>
      service.append({ log: name, events: [message(text)], sign: false, path: "event" });

    test("give out every index once, and roots that one of them can prove to extend each other", async () => {
      const services = await Promise.all([gateway(), gateway(), gateway()]);
      const callers = services.flatMap((service) => Array.from({ length: 8 }, () => service));
      const logged = callers.map(async (service, caller) => {
        const receipts = [];
        for (let i = 0; i < 6; i++) receipts.push(await log(service, `caller ${caller} entry ${i}`));
        return receipts;
      });
      const receipts = (await Promise.all(logged)).flat();
      const indexes = receipts.flatMap(({ entries }) => entries.map(({ leafIndex }) => leafIndex));
      expect(indexes.toSorted((a, b) => a - b)).toEqual(Array.from({ length: receipts.length }, (_, i) => i));
      const bySize = new Map(receipts.map(({ root }) => [root.treeSize, root.hash]));
      for (const { root } of receipts) expect(root.hash).toBe(bySize.get(root.treeSize));
      const [reader] = services;
      for (const [treeSize, hash] of bySize) expect((await reader.root("default", treeSize)).hash).toBe(hash);
    });

    test("find each other's entries at once", async () => {
      const [one, other] = await Promise.all([gateway("finding"), gateway("finding")]);
      for (let i = 0; i < 6; i++) {
        const [writer, reader] = i % 2 === 0 ? [one, other] : [other, one];
        await log(writer, `entry n${i}`, "finding");
        const page = await reader.search({ log: "finding", query: `n${i}` }, {});
        expect(page).toMatchObject({ leafIndexes: [i], result: { treeSize: i + 1 } });
      }
    });
  });
});
