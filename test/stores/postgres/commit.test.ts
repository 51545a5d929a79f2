import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from "@jest/globals";
import type { AuditService } from "../../../src/audit/service.js";
import type { LogStore } from "../../../src/audit/store.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { openLocalService } from "../../../src/engine/local-service.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openPostgres } from "../../../src/stores/postgres/open.js";
import { rejection } from "../../engine/rejection.js";
import { checkEverything, message, ORIGIN } from "../../engine/test-log.js";
import { describeWith } from "../../service.js";
import { batch, entry } from "../batches.js";
import { CommitProxy } from "./commit-proxy.js";
import { hasPostgres, type PostgresServer, somePostgres } from "./server.js";
import { KEYRING } from "../../keyring.js";

const WAYS = ["alone, in one statement", "after a conflict, in a transaction"] as const;

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let proxy: CommitProxy;
  let store: LogStore;
  let service: AuditService;
  let close: () => Promise<void>;
  beforeAll(async () => {
    server = await somePostgres();
  });
  afterAll(async () => {
    await server.close();
  });
  beforeEach(async () => {
    proxy = await CommitProxy.start(await server.newDatabase());
    const { log, index } = indexed(await openPostgres({ url: proxy.url }), KEYRING);
    store = log;
    const engines = {
      ...{ store, index, sharedStore: true },
      ...{ cache: new MemoryRootCache(), keyring: KEYRING },
    };
    service = await openLocalService({ ...engines, origin: ORIGIN, logs: [{ log: "default", format: "rfc6962" }] });
    close = async () => {
      await service.close();
      await index.close();
      await store.close();
      await proxy.close();
    };
  });
  afterEach(async () => {
    await close();
  });

  const log = async (text: string) =>
    service.append({ log: "default", events: [message(text)], sign: false, path: "event" });

  describe.each(WAYS)("a connection cut in the middle of a commit, %s,", (way) => {
    beforeEach(async () => {
      await log("first");
      if (way !== WAYS[0]) await store.append(batch("default", 99, [entry("a conflict")]));
    });

    test("before the server hears of it: not committed, of unknown outcome, and the log goes on", async () => {
      proxy.cuts.push("before it is forwarded");
      const error = await rejection(log("lost"));
      expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "UNKNOWN", retryAfterMs: expect.any(Number) });
      expect(error.message).toMatch(/they are not there now, but may still be stored/);
      expect((await log("next")).entries[0]?.leafIndex).toBe(1);
      expect(await checkEverything(store)).toEqual(["first", "next"]);
      expect(proxy.made).toHaveLength(1);
    });

    test("after the server did it: committed, found again and acknowledged, once", async () => {
      proxy.cuts.push("after it was forwarded");
      const { entries, root } = await log("kept");
      expect([entries[0]?.leafIndex, root.treeSize]).toEqual([1, 2]);
      expect((await log("next")).entries[0]?.leafIndex).toBe(2);
      expect(await checkEverything(store)).toEqual(["first", "kept", "next"]);
      expect(proxy.made).toHaveLength(1);
    });
  });
});
