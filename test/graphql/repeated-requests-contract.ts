import { afterAll, beforeAll, describe, expect, test as anyTest } from "@jest/globals";
import type { ContractTest } from "../audit/contract-test.js";
import { BulkRequestDocument, LogBulkAsyncDocument, LogBulkDocument, LogDocument } from "../generated/operations.js";
import type { OpenGateway, TestGateway } from "./gateway.js";

const events = [{ message: "one" }, { message: "two" }];

/** What a client may expect that repeats a request, or logs for later. */
export function repeatedRequestsContract(open: OpenGateway, test: ContractTest = anyTest): void {
  let gateway: TestGateway;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ gateway, close } = await open());
  });
  afterAll(() => close());

  const size = async (): Promise<number> => (await gateway.service.root("default")).treeSize;

  describe("a mutation that is sent again with its idempotency key", () => {
    test("is answered as it was the first time, proofs included", async () => {
      const variables = { event: { message: "m", actor: null }, sign: true, idempotencyKey: "log" };
      const first = await gateway.data(LogDocument, variables);
      await gateway.data(LogBulkDocument, { events });
      const before = await size();
      expect(await gateway.data(LogDocument, { ...variables, event: { message: "m" } })).toEqual(first);
      expect(first.log.verification.membership.status).toBe("VALID");
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
    test("answers with the receipt that logBulk would have answered, and bulkRequest with the same again", async () => {
      const { logBulkAsync } = await gateway.data(LogBulkAsyncDocument, { events });
      const treeSize = await size();
      const { id, receipts, root } = logBulkAsync.bulkRequest;
      expect(root.treeSize).toBe(treeSize);
      expect(receipts.map(({ entry }) => entry.leafIndex)).toEqual([treeSize - 2, treeSize - 1]);
      for (const { verification } of receipts) expect(verification.membership.status).toBe("VALID");
      expect(await gateway.data(BulkRequestDocument, { id })).toEqual(logBulkAsync);
    });

    test("refuses a key that was used for other events", async () => {
      await gateway.data(LogDocument, { event: { message: "first" }, idempotencyKey: "used" });
      const query =
        'mutation { logBulkAsync(events: [{ message: "m" }], idempotencyKey: "used") { bulkRequest { id } } }';
      expect((await gateway.error(query)).extensions).toEqual({ code: "CONFLICT" });
    });

    test("refuses bad events, by their paths", async () => {
      const query = 'mutation { logBulkAsync(events: [{ message: "m" }, { message: "" }]) { bulkRequest { id } } }';
      const error = await gateway.error(query);
      expect(error.extensions).toMatchObject({ code: "BAD_USER_INPUT", problems: [{ path: "events[1].message" }] });
    });

    test("is null under an id that was never answered", async () => {
      expect(await gateway.data(BulkRequestDocument, { id: "nothing" })).toEqual({ bulkRequest: null });
    });
  });
}
