import { beforeAll, describe, expect, test } from "@jest/globals";
import { ScopedService } from "../../src/access/scoped-service.js";
import { AuditError } from "../../src/audit/errors.js";
import type { AuditService, Receipt, SignedEvent } from "../../src/audit/service.js";
import { expectCode } from "../engine/rejection.js";
import { openTestService } from "../engine/test-log.js";
import { CREDENTIALS, NOW_MS, scoped, type Name } from "./credentials.js";

describe("logging", () => {
  const append = (as: AuditService, ...events: readonly SignedEvent[]) =>
    as.append({ log: "default", events, sign: false, path: "events" });
  const anEvent = (tenant_id?: string): SignedEvent => ({ event: { message: "m", actor: "carol", tenant_id } });
  const tenantOf = ({ entries }: Receipt) => entries[0]?.envelope.event.tenant_id;

  const OUTCOMES: readonly (readonly [Name, string | undefined, string | undefined])[] = [
    ["no scope", undefined, "FORBIDDEN"],
    ["read only", undefined, "FORBIDDEN"],
    ["expired", undefined, "UNAUTHENTICATED"],
    ["log only", undefined, undefined],
    ["log only", "acme", "acme"],
    ["admin", "globex", "globex"],
    ["acme", undefined, "acme"],
    ["acme", "acme", "acme"],
    ["acme", "globex", "FORBIDDEN"],
    ["admin of acme", undefined, "acme"],
    ["admin of acme", "globex", "FORBIDDEN"],
    ["log only, of acme", undefined, "acme"],
    ["log only, of acme", "globex", "FORBIDDEN"],
    ["alice's entries", undefined, undefined],
  ];

  test.each(OUTCOMES)("with %s an event of tenant %s ends as %s", async (name, tenant, outcome) => {
    const own = await openTestService();
    const receipt = append(scoped(name, own), anEvent(tenant));
    if (outcome === "FORBIDDEN" || outcome === "UNAUTHENTICATED") {
      await expectCode(receipt, outcome);
      expect((await own.root("default")).treeSize).toBe(0);
    } else expect(tenantOf(await receipt)).toBe(outcome);
  });

  test("puts the tenant under the leaf hash and under the gateway's signature", async () => {
    const own = await openTestService();
    const as = scoped("acme", own);
    const { entries } = await as.append({ log: "default", events: [anEvent()], sign: true, path: "event" });
    expect(entries[0]?.canonical).toContain('"tenant_id":"acme"');
    expect(await own.entries("default", [0])).toEqual([{ kind: "entry", entry: entries[0] }]);
  });

  test("stores none of a request with one foreign event", async () => {
    const own = await openTestService();
    await expectCode(append(scoped("acme", own), anEvent(), anEvent("globex")), "FORBIDDEN");
    expect((await own.root("default")).treeSize).toBe(0);
  });

  describe.each(["log only", "log only, of acme", "a tenant restricted to another"] as const)("with %s", (name) => {
    let own: AuditService;
    let as: AuditService;
    let receipt: Receipt;
    beforeAll(async () => {
      own = await openTestService();
      await append(own, anEvent());
      as = scoped(name, own);
      receipt = await append(as, anEvent());
    });
    const checks = (leafIndex: number, as: AuditService): readonly Promise<unknown>[] => [
      as.entries("default", [leafIndex]),
      as.membershipProofs({ log: "default", treeSize: 2, leafIndexes: [leafIndex] }),
    ];

    test("gives a receipt that can be checked to the end within the request", async () => {
      const [entry] = receipt.entries;
      expect(await as.entries("default", [1])).toEqual([{ kind: "entry", entry }]);
      expect(await as.membershipProofs({ log: "default", treeSize: 2, leafIndexes: [1] })).toHaveLength(1);
      expect(await as.root("default", 2)).toEqual(receipt.root);
      expect(await as.consistency("default", 2)).toEqual({ kind: "VALID" });
      expect(await as.checkpointVerdict(receipt.root)).toEqual({ kind: "VALID" });
    });

    test("does not open the entry before it by that", async () => {
      const outcomes = await Promise.all(checks(0, as).map((check) => check.then(shownIn, () => [])));
      expect(outcomes.flat()).toEqual([]);
    });

    test("opens nothing to the same credential's next request", async () => {
      const answers = checks(1, scoped(name, own)).map((check) => check.then(shownIn, () => []));
      expect((await Promise.all(answers)).flat()).toEqual([]);
    });
  });

  function shownIn(answer: unknown): readonly unknown[] {
    return Array.isArray(answer) ? answer.filter((item: { kind?: string }) => item.kind !== "missing") : [answer];
  }

  test("in bulk is found again by a key whose tenant has changed only where all of it is the tenant's", async () => {
    const own = await openTestService();
    const later = (...tenants: readonly string[]) =>
      scoped("admin", own).appendLater({ log: "default", events: tenants.map(anEvent), sign: false, path: "events" });
    const [mixed, acmes] = [await later("acme", "globex"), await later("acme", "acme")];
    expect(await scoped("acme", own).bulkRequest(mixed.id)).toBeUndefined();
    expect(await scoped("acme", own).bulkRequest(acmes.id)).toMatchObject({ id: acmes.id });
  });

  test("asks whether so many events are admitted, before anything is stored", async () => {
    const own = await openTestService();
    const counts: number[] = [];
    const admitEvents = (count: number) => {
      counts.push(count);
      throw new AuditError("RATE_LIMITED", "too many");
    };
    const { principal } = CREDENTIALS["log only"];
    const limited = new ScopedService(own, { principal, now: () => NOW_MS, admitEvents });
    await expectCode(append(limited, anEvent(), anEvent()), "RATE_LIMITED");
    expect(counts).toEqual([2]);
    expect((await own.root("default")).treeSize).toBe(0);
  });

  test("counts no events against a credential that may not log", async () => {
    const { principal } = CREDENTIALS["read only"];
    const admitEvents = () => {
      throw new AuditError("RATE_LIMITED", "too many");
    };
    const as = new ScopedService(await openTestService(), { principal, now: () => NOW_MS, admitEvents });
    await expectCode(append(as, anEvent()), "FORBIDDEN");
  });
});
