import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditService } from "../../src/audit/service.js";
import { openTestService } from "../engine/test-log.js";
import { BulkRequestDocument, LogBulkAsyncDocument, LogBulkDocument, LogDocument } from "../generated/operations.js";
import { testGateway, type TestGateway } from "./gateway.js";
import { replaced } from "./watched.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await testGateway(await openTestService());
});
afterAll(async () => {
  await gateway.close();
});

const events = [{ message: "one" }, { message: "two" }];
const size = async (): Promise<number> => (await gateway.service.root("default")).treeSize;

describe("a mutation that is sent again with its idempotency key", () => {
  test("is answered as it was the first time, proofs included", async () => {
    const variables = { event: { message: "m", actor: null }, sign: true, idempotencyKey: "log" };
    const first = await gateway.data(LogDocument, variables);
    await gateway.data(LogBulkDocument, { events });
    const before = await size();
    expect(await gateway.data(LogDocument, { ...variables, event: { message: "m" } })).toEqual(first);
    expect(first.log.entry.verification.membership.status).toBe("VALID");
    expect(await size()).toBe(before);
  });

  test("is a CONFLICT with other events", async () => {
    await gateway.data(LogBulkDocument, { events, idempotencyKey: "bulk" });
    const query = 'mutation { logBulk(events: [{ message: "x" }], idempotencyKey: "bulk") { root { treeSize } } }';
    const error = await gateway.error(query);
    expect(error.extensions?.["code"]).toBe("CONFLICT");
    expect(error.message).toContain("choose a new key");
  });

  test("is refused with a key that is none, by its path", async () => {
    const error = await gateway.error(
      'mutation { log(event: { message: "m" }, idempotencyKey: "") { root { hash } } }',
    );
    expect(error.extensions).toMatchObject({ code: "BAD_USER_INPUT", problems: [{ path: "idempotencyKey" }] });
  });
});

describe("logBulkAsync", () => {
  async function ended(id: string) {
    for (let polls = 0; polls < 500; polls++) {
      const { bulkRequest } = await gateway.data(BulkRequestDocument, { id });
      if (bulkRequest?.status !== "PENDING") return bulkRequest;
      await sleep(10);
    }
    throw new Error("the request does not end");
  }

  test("answers at once, and in the end with the receipt that logBulk would have answered", async () => {
    const { logBulkAsync } = await gateway.data(LogBulkAsyncDocument, { events });
    expect(logBulkAsync).toMatchObject({ status: "PENDING", receipt: null, error: null, expiresAt: null });
    const before = await size();
    const done = await ended(logBulkAsync.id);
    const treeSize = await size();
    expect(done).toMatchObject({ status: "DONE", error: null, receipt: { root: { treeSize } } });
    expect(done?.receipt?.entries.map(({ leafIndex }) => leafIndex)).toEqual([treeSize - 2, treeSize - 1]);
    for (const entry of done?.receipt?.entries ?? []) expect(entry.verification.membership.status).toBe("VALID");
    expect([before, before + 2]).toContain(treeSize);
  });

  test("refuses a key at once that was used for other events", async () => {
    await gateway.data(LogDocument, { event: { message: "first" }, idempotencyKey: "used" });
    const query = 'mutation { logBulkAsync(events: [{ message: "m" }], idempotencyKey: "used") { id } }';
    expect((await gateway.error(query)).extensions).toEqual({ code: "CONFLICT" });
  });

  test("says why a request failed", async () => {
    const error = { code: "CONFLICT", message: "used otherwise while it waited" };
    const expiresAt = "2026-01-02T03:04:05.000Z";
    const bulkRequest: AuditService["bulkRequest"] = (id) => Promise.resolve({ kind: "failed", id, error, expiresAt });
    const failing = await testGateway(replaced(await openTestService(), { bulkRequest }));
    const answer = await failing.data(BulkRequestDocument, { id: "any" });
    expect(answer.bulkRequest).toMatchObject({ status: "FAILED", receipt: null, error, expiresAt });
    await failing.close();
  });

  test("refuses bad events at once, by their paths", async () => {
    const query = 'mutation { logBulkAsync(events: [{ message: "m" }, { message: "" }]) { id } }';
    const error = await gateway.error(query);
    expect(error.extensions).toMatchObject({ code: "BAD_USER_INPUT", problems: [{ path: "events[1].message" }] });
  });

  test("is null under an id that was never answered", async () => {
    expect(await gateway.data(BulkRequestDocument, { id: "nothing" })).toEqual({ bulkRequest: null });
  });
});
