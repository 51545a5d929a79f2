import { beforeEach, describe, expect, test } from "@jest/globals";
import { keyOwnerOf, ScopedService } from "../../src/access/scoped-service.js";
import type { Principal } from "../../src/audit/principal.js";
import type { AuditService } from "../../src/audit/service.js";
import { message, openTestService } from "../engine/test-log.js";

const TOKEN: Principal = { id: "jwt:alice", kind: "jwt", scopes: new Set(["audit:log"]) };
const KEY: Principal = { id: "api-key:0", kind: "api-key", scopes: new Set(["audit:log"]) };
const ACME = { tenant: "acme" };
const BOBS = { restriction: { actor: ["bob"] } };

describe("the owner of idempotency keys and bulk requests", () => {
  test("is the credential's id, as it ever was, for API keys and for what is not bound", () => {
    expect([TOKEN, KEY, { ...KEY, ...ACME, ...BOBS }].map(keyOwnerOf)).toEqual([
      ...["jwt:alice", "api-key:0", "api-key:0"],
    ]);
  });

  test("is another for each tenant and restriction that a subject's tokens have", () => {
    const bounds = [{}, ACME, { tenant: "globex" }, BOBS, { ...ACME, ...BOBS }, { restriction: { target: ["bob"] } }];
    const owners = bounds.flatMap((bound) => [TOKEN, { ...TOKEN, id: "jwt:bob" }].map((one) => ({ ...one, ...bound })));
    expect(new Set(owners.map(keyOwnerOf)).size).toBe(owners.length);
  });

  test("is the same whatever the order in which an issuer lists what it allows", () => {
    const restriction = { status: ["x"], actor: ["bob", "alice"] };
    const listed = { actor: ["alice", "bob"], status: ["x"] };
    expect(keyOwnerOf({ ...TOKEN, restriction })).toBe(keyOwnerOf({ ...TOKEN, restriction: listed }));
  });

  test("cannot be spelled by a subject", () => {
    const bound = keyOwnerOf({ ...TOKEN, ...ACME });
    expect(keyOwnerOf({ ...TOKEN, id: `jwt:${bound}` })).not.toBe(bound);
  });
});

describe("what a credential logged", () => {
  let service: AuditService;
  beforeEach(async () => {
    service = await openTestService();
  });
  const as = (principal: Principal) => new ScopedService(service, { principal, now: () => 0 });
  const queue = (principal: Principal) =>
    as(principal).appendLater({ log: "default", events: [message("secret")], sign: false, path: "events" });
  test.each([
    ["a token of another tenant", { ...TOKEN, ...ACME }, { ...TOKEN, tenant: "globex" }],
    ["a token of no tenant", { ...TOKEN, ...ACME }, TOKEN],
    ["a token that is restricted", TOKEN, { ...TOKEN, ...BOBS }],
    ["a key whose tenant was changed in the file", { ...KEY, ...ACME }, { ...KEY, tenant: "globex" }],
    ["a key that got a tenant in the file", KEY, { ...KEY, ...ACME }],
  ])("by a bulk request is not shown to %s", async (_, logger, other) => {
    const { id } = await queue(logger);
    expect(await as(logger).bulkRequest(id)).toMatchObject({ id });
    expect(await as(other).bulkRequest(id)).toBeUndefined();
  });

  test("under an idempotency key is not answered to the subject's token for another tenant", async () => {
    const log = (principal: Principal) =>
      as(principal).append({ log: "default", events: [message("m")], sign: false, path: "event", idempotencyKey: "k" });
    const places = [{ ...TOKEN, ...ACME }, { ...TOKEN, tenant: "globex" }, { ...TOKEN, ...BOBS }, TOKEN];
    const receipts = await Promise.all([...places, ...places].map(log));
    expect(receipts.map(({ entries }) => entries[0]?.leafIndex)).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  });
});
