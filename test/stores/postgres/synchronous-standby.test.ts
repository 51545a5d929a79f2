import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditService, Receipt } from "../../../src/audit/service.js";
import type { LogStore } from "../../../src/audit/store.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import { rejection } from "../../engine/rejection.js";
import { checkEverything, message, openTestService } from "../../engine/test-log.js";
import { describeWith } from "../../service.js";
import { batch, emptyHead, entry } from "../batches.js";
import { Pgbouncer, pgbouncerProgram } from "./pgbouncer.js";
import { OwnPostgres, postgresPrograms, sql } from "./server.js";

/** A commit that waits is given up a second after this. */
const STATEMENT_TIMEOUT_MS = 4_000;
const CONFIRM_MS = 2_500;

const UNKNOWN = { code: "UNAVAILABLE", outcome: "UNKNOWN", retryAfterMs: expect.any(Number) };

/** Without the search index, whose own commits would wait for the standby too. */
interface Gateway {
  readonly store: LogStore;
  readonly service: AuditService;
  readonly cache: MemoryRootCache;
}

describeWith(
  "a PostgreSQL of its own, and a standby that its commits wait for",
  postgresPrograms() !== undefined,
  () => {
    let primary: OwnPostgres;
    let standby: OwnPostgres;
    let url: string;
    let gateway: Gateway;
    const opened: Gateway[] = [];

    beforeAll(async () => {
      primary = await OwnPostgres.start();
      // As a role may have it: the warning that a commit did not wait must come all the same.
      await sql(primary.url, "ALTER ROLE auditql SET client_min_messages = 'error'");
      await sql(primary.url, "ALTER ROLE auditql SET synchronous_commit = 'off'");
      standby = await primary.standby();
      await primary.waitForStandby();
    });
    afterAll(async () => {
      await standby.close();
      await primary.close();
    });
    beforeEach(async () => {
      url = await primary.newDatabase();
      gateway = await open();
    });
    afterEach(async () => {
      if (primary.isRunning) await standbyBack();
      for (const made of opened.splice(0)) await close(made);
    });

    async function open(at = url): Promise<Gateway> {
      const database = await openDatabase({ url: at, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
      const store = new PostgresLogStore(database, undefined, CONFIRM_MS);
      const cache = new MemoryRootCache();
      const service = await openTestService({ store, cache, sharedStore: true });
      const close = async (): Promise<void> => {
        await service.close();
        await store.close();
      };
      const made = { store, service, cache, close };
      opened.push(made);
      return made;
    }

    async function close({ service, store }: Gateway): Promise<void> {
      await service.close();
      await store.close();
    }

    function log(text: string, { service } = gateway): Promise<Receipt> {
      const request = { log: "default", events: [message(text)], sign: false, path: "event" } as const;
      return service.append({ ...request, idempotencyKey: text });
    }

    /** The session whose commit waits for the standby. */
    async function waitingSession(): Promise<number> {
      const waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = $1";
      const database = new URL(url).pathname.slice(1);
      for (;;) {
        const [row] = (await sql(primary.url, waiting, [database])) as readonly { readonly pid: number }[];
        if (row !== undefined) return row.pid;
        await sleep(10);
      }
    }

    const cancelWait = async (): Promise<void> => {
      await sql(primary.url, "SELECT pg_cancel_backend($1)", [await waitingSession()]);
    };

    /** A crash of the server: it shows what was committed when it is up again, whether or not the standby has it. */
    const crash = async (): Promise<void> => {
      process.kill(await waitingSession(), "SIGKILL");
    };

    async function standbyBack(): Promise<void> {
      if (!standby.isRunning) await standby.startAgain();
      await primary.untilReplicated();
    }

    /** What the database shows, once it is up. */
    async function size(): Promise<number | undefined> {
      for (;;) {
        try {
          return (await gateway.store.head("default"))?.size;
        } catch {
          await sleep(20);
        }
      }
    }

    const whileAway = async (): Promise<void> => {
      await log("before");
      await standby.stop();
    };

    describe.each([
      ["cancelled", cancelWait],
      ["ended by a crash", crash],
    ])("a commit whose wait for the standby is %s", (_, cut) => {
      test("is visible, and not acknowledged before the standby has it: then under its key, once", async () => {
        await whileAway();
        const attempt = rejection(log("waits"));
        await cut();
        expect(await attempt).toMatchObject(UNKNOWN);
        expect(await size()).toBe(2);
        expect(await rejection(log("waits"))).toMatchObject(UNKNOWN);
        await standbyBack();
        const { entries, root } = await log("waits");
        expect([entries[0]?.leafIndex, root.treeSize]).toEqual([1, 2]);
        expect(await checkEverything(gateway.store)).toEqual(["before", "waits"]);
      });
    });

    test("no gateway hands out or publishes a signed root of what only the primary has, and all can be read", async () => {
      await whileAway();
      const other = await open();
      const attempt = rejection(log("waits"));
      await cancelWait();
      await attempt;
      const refused = rejection(other.service.root("default"));
      const consistency = rejection(other.service.consistencyProof({ log: "default", fromSize: 1, toSize: 2 }));
      expect((await other.service.entries("default", [1]))[0]?.kind).toBe("entry");
      expect(await refused).toMatchObject({ code: "UNAVAILABLE", outcome: undefined });
      expect((await consistency).code).toBe("UNAVAILABLE");
      for (const { cache } of [gateway, other])
        expect((await cache.remembered("default"))?.treeSize ?? 0).toBeLessThan(2);
      await untilNobodyWaits(); // each confirmation in vain would keep a session of the server until the standby is back
      await standbyBack();
      expect((await other.service.root("default")).treeSize).toBe(2);
      await untilPublished(other, 2); // nobody waits for that
    });

    async function untilPublished({ cache }: Gateway, treeSize: number): Promise<void> {
      while ((await cache.remembered("default"))?.treeSize !== treeSize) await sleep(10);
    }

    async function untilNobodyWaits(): Promise<void> {
      const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'auditql'";
      while ((await sql(primary.url, waiting)).length > 0) await sleep(20);
    }

    test("a confirmation that is cancelled itself confirms nothing", async () => {
      await whileAway();
      const attempt = rejection(log("waits"));
      await cancelWait();
      await cancelWait();
      expect(await attempt).toMatchObject(UNKNOWN);
    });

    test("a commit that waits longer than a statement may is of unknown outcome, and found under its key", async () => {
      await whileAway();
      expect(await rejection(log("waits"))).toMatchObject(UNKNOWN);
      expect(await size()).toBe(1);
      await standbyBack();
      expect((await log("waits")).entries[0]?.leafIndex).toBe(1);
      expect((await log("next")).entries[0]?.leafIndex).toBe(2);
      expect(await checkEverything(gateway.store)).toEqual(["before", "waits", "next"]);
    });

    const WAYS = ["alone, in one statement", "after a conflict, in a transaction"];

    async function expectUnknown({ store }: Gateway, way: string): Promise<void> {
      await store.createLog(emptyHead("plain"));
      if (way.startsWith("after")) await store.append(batch("plain", 99, [entry("a conflict")]));
      await standby.stop();
      const attempt = rejection(store.append(batch("plain", 0, [entry("a")])));
      await cancelWait();
      expect(await attempt).toMatchObject(UNKNOWN);
      expect((await store.head("plain"))?.size).toBe(1);
    }

    test.each(WAYS)("an append whose wait is cancelled is of unknown outcome to the store: %s", async (way) => {
      await expectUnknown(gateway, way);
    });

    describeWith("pgbouncer", pgbouncerProgram() !== undefined, () => {
      let pooler: Pgbouncer;
      beforeEach(async () => {
        pooler = await Pgbouncer.start(primary.url, { mode: "transaction" });
      });
      afterEach(async () => {
        await pooler.close();
      });

      test.each(WAYS)("such an append is of unknown outcome through shared sessions, too: %s", async (way) => {
        await expectUnknown(await open(pooler.before(url)), way);
      });
    });

    test("a gateway on the standby shows what that has, publishes nothing, and acknowledges nothing", async () => {
      const receipt = await log("once");
      await untilReplayed();
      const there = await open(standbyUrl());
      expect(await there.service.root("default")).toEqual(receipt.root);
      expect((await there.service.entries("default", [0]))[0]?.kind).toBe("entry");
      expect(await there.store.confirm("default")).toMatchObject({ durability: "replica", head: { size: 1 } });
      expect(await rejection(log("once", there))).toMatchObject(UNKNOWN);
      expect(await rejection(log("new", there))).toMatchObject({ code: "UNAVAILABLE", outcome: "NONE" });
      expect(await there.cache.remembered("default")).toBeUndefined();
    });

    test("a read-only database confirms what it shows", async () => {
      await log("once");
      await sql(primary.url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_read_only = on`);
      const there = await open();
      expect((await there.store.confirm("default")).durability).toBe("durable");
      expect((await there.service.root("default")).treeSize).toBe(1);
    });

    /** The last one: it ends the pair. */
    test("once the standby is promoted, nothing that was acknowledged is missing, and no root contradicts the log", async () => {
      const acknowledged = ["first", "second"];
      for (const text of acknowledged) await log(text);
      const root = await gateway.service.root("default");
      await standby.stop();
      const attempt = rejection(log("lost"));
      await cancelWait();
      expect(await attempt).toMatchObject(UNKNOWN);
      expect(await size()).toBe(3);
      expect((await gateway.cache.remembered("default"))?.treeSize).toBe(2);
      await primary.stop("immediate");
      await standby.startAgain();
      await standby.promote();
      const there = await open(standbyUrl());
      expect(await checkEverything(there.store)).toEqual(acknowledged);
      expect(await there.service.root("default")).toEqual(root);
      expect((await log("lost", there)).entries[0]?.leafIndex).toBe(2);
    });

    function standbyUrl(): string {
      const there = new URL(standby.url);
      there.pathname = new URL(url).pathname;
      return there.href;
    }

    /** A commit waits until the standby has it on disk; to be seen there, the database too, it has to be replayed. */
    async function untilReplayed(): Promise<void> {
      const all = "SELECT 1 FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()";
      while ((await sql(primary.url, all)).length === 0) await sleep(10);
    }
  },
);
