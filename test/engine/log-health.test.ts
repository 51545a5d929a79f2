import { describe, expect, test } from "@jest/globals";
import { replaced } from "../../src/audit/calls.js";
import { AuditError } from "../../src/audit/errors.js";
import type { LogStore } from "../../src/audit/store.js";
import { checkLog } from "../../src/engine/log-health.js";
import { ephemeralKeyring } from "../../src/keys/keyring.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { expectCode, rejection } from "./rejection.js";
import { FaultStore } from "./fault-store.js";
import { logMessages, openTestService } from "./test-log.js";
import { damaged } from "./tree/damaged-store.js";

const dead = new AuditError("UNAVAILABLE", "the reader has ended");

describe("the health of a log", () => {
  test("is sound while it can be read and written, also when it is empty", async () => {
    const store = new MemoryLogStore();
    const service = await openTestService({ store });
    expect(await checkLog({ service, store }, "default")).toEqual({ kind: "sound" });
    await logMessages(service, 2);
    expect(await checkLog({ service, store }, "default")).toEqual({ kind: "sound" });
  });

  test("is that of reads: where entries or heads cannot be read, nothing else counts", async () => {
    const store = new MemoryLogStore();
    const service = await openTestService({ store });
    const failing: Partial<LogStore>[] = [
      { entries: () => Promise.reject(dead) },
      { head: () => Promise.reject(dead) },
    ];
    for (const failure of failing) {
      const read = { entries: store.entries.bind(store), head: store.head.bind(store), ...failure };
      await expect(checkLog({ service, store: read }, "default")).rejects.toBe(dead);
    }
  });

  test("says why a log that became untrustworthy while it was open takes no more entries", async () => {
    const store = new FaultStore(new MemoryLogStore());
    const service = await openTestService({ store, sharedStore: true, behindPatienceMs: 0 });
    await logMessages(service, 2);
    store.honest = new MemoryLogStore();
    await logMessages(await openTestService({ store: store.honest }), 1);
    await expectCode(service.entries("default", [2]), "ROOT_CONFLICT"); // looks at the store
    expect(await checkLog({ service, store }, "default")).toMatchObject({
      kind: "impaired",
      error: { code: "ROOT_CONFLICT" },
    });
  });

  test("is impaired while its newest root cannot be confirmed, in time or at all: its entries are read", async () => {
    const store = new FaultStore(new MemoryLogStore());
    await logMessages(await openTestService({ store: store.honest }), 1);
    const service = await openTestService({ store, sharedStore: true });
    store.durability = "away";
    const unavailable = { kind: "impaired", error: { code: "UNAVAILABLE" } };
    expect(await checkLog({ service, store }, "default")).toMatchObject(unavailable);
    store.confirm = () => new Promise(() => undefined);
    expect(await checkLog({ service, store }, "default", 10)).toMatchObject(unavailable);
  });

  test("is sound where the last entry was changed: its root has no time, and new entries are taken", async () => {
    const store = new MemoryLogStore();
    await logMessages(await openTestService({ store }), 2);
    const changed: LogStore["entries"] = async (...asked) =>
      (await store.entries(...asked)).map((entry) =>
        entry?.leafIndex === 1 ? { ...entry, canonical: `${entry.canonical} ` } : entry,
      );
    const service = await openTestService({ store: damaged(store, { entries: changed }) });
    const undated = await rejection(service.root("default"));
    expect([undated.code, undated.message]).toEqual([
      "ENTRY_CORRUPT",
      "Entry 1 of the log default, whose time is needed here, was changed.",
    ]);
    expect(await checkLog({ service, store }, "default")).toEqual({ kind: "sound" });
  });

  test("is impaired where its newest root cannot be told for any other reason, which is told", async () => {
    const store = new MemoryLogStore();
    const service = await openTestService({ store });
    await logMessages(service, 1);
    for (const [reason, code] of [
      [new AuditError("ROOT_CONFLICT", "two roots"), "ROOT_CONFLICT"],
      [new Error("no answer"), "UNAVAILABLE"],
    ] as const) {
      const failing = replaced(service, { root: () => Promise.reject(reason) });
      expect(await checkLog({ service: failing, store }, "default")).toMatchObject({
        kind: "impaired",
        error: { code },
      });
    }
  });

  test("is not told where its entries cannot be read for a reason that says nothing of the log", async () => {
    const store = new MemoryLogStore();
    const service = await openTestService({ store });
    const away = new AuditError("UNAVAILABLE", "away");
    const failing = replaced(service, { root: () => Promise.reject(away), entries: () => Promise.reject(away) });
    await expect(checkLog({ service: failing, store }, "default")).rejects.toBe(away);
  });

  test("is unreadable where nothing says what its entries are", async () => {
    const store = new MemoryLogStore();
    await logMessages(await openTestService({ store }), 1);
    const service = await openTestService({ store, keyring: ephemeralKeyring() });
    expect(await checkLog({ service, store }, "default")).toMatchObject({
      kind: "unreadable",
      error: { code: "LOG_CORRUPT" },
    });
  });
});
