import { afterEach, beforeEach, describe, expect, test as anyTest } from "@jest/globals";
import type { AuditService, SearchRequest } from "../../src/audit/service.js";
import { logMessages, messages } from "../engine/test-log.js";
import { expectCode } from "../engine/rejection.js";
import type { ContractTest } from "./contract-test.js";
import type { OpenService } from "./service-contract.js";

/** What every engine behind the port AuditService promises of searches. */
export function auditSearchContract(open: OpenService, test: ContractTest = anyTest): void {
  let service: AuditService;
  let log: string;
  let request: SearchRequest;
  beforeEach(async () => {
    ({ service, log } = await open());
    request = { log, query: "" };
  });
  afterEach(async () => {
    await service.close();
  });

  describe("search", () => {
    test("finds what its caller has just logged, the newest first", async () => {
      for (let round = 1; round <= 5; round++) {
        await logMessages(service, 2, log);
        const { leafIndexes } = await service.search({ ...request, query: "event" }, { first: 2 });
        expect(leafIndexes).toEqual([2 * round - 1, 2 * round - 2]);
      }
    });

    test("is pinned: its later pages show the log as it was", async () => {
      await logMessages(service, 5, log);
      const { result } = await service.search(request, { first: 2 });
      await logMessages(service, 5, log);
      const byId = await service.results(result.id, { first: 9, after: result.cursor(1) });
      const byCursor = await service.search(request, { first: 9, after: result.cursor(1) });
      for (const page of [byId, byCursor]) {
        expect(page.leafIndexes).toEqual([2, 1, 0]);
        expect([page.result.treeSize, await page.result.totalCount()]).toEqual([5, 5]);
        expect([page.hasPreviousPage, page.hasNextPage]).toEqual([true, false]);
      }
    });

    test("ends at its maxResults, behind which there is nothing, and says that more would match", async () => {
      await logMessages(service, 12, log);
      const search = { ...request, query: "event", maxResults: 5 };
      const page = await service.search(search, { first: 9, offset: 3 });
      expect(page.leafIndexes).toEqual([8, 7]);
      expect([page.hasNextPage, await page.result.totalCount(), await page.result.isTruncated()]).toEqual([
        false,
        5,
        true,
      ]);
      for (const offset of [5, 6, 11, 20]) {
        const behind = await service.results(page.result.id, { first: 3, offset });
        expect([behind.leafIndexes, behind.hasNextPage]).toEqual([[], false]);
      }
    });

    test("that sets no maxResults has every match", async () => {
      await logMessages(service, 12, log);
      for (const wider of [request, { ...request, query: "event" }, { ...request, maxResults: 1_000_000 }]) {
        const { result, leafIndexes } = await service.search(wider, { last: 12 });
        expect(leafIndexes).toHaveLength(12);
        expect([await result.totalCount(), await result.isTruncated()]).toEqual([12, false]);
      }
    });

    test("looks at a window of time, in the log as a whole when there is none", async () => {
      const { entries } = await logMessages(service, 3, log);
      const start = entries[0]?.envelope.received_at ?? "";
      expect((await service.search({ ...request, window: { start } }, {})).leafIndexes).toHaveLength(3);
      expect((await service.search({ ...request, window: { end: start } }, {})).leafIndexes).toEqual([]);
    });

    test("refuses a query, window and page that cannot be meant", async () => {
      await expectCode(service.search({ ...request, query: "(" }, {}), "BAD_USER_INPUT");
      await expectCode(service.search({ ...request, window: { last: "soon" } }, {}), "BAD_USER_INPUT");
      await expectCode(service.search(request, { first: 1_001 }), "BAD_USER_INPUT");
      await expectCode(service.results("not an id", {}), "BAD_USER_INPUT");
    });

    test("while others log shows each entry once over all its pages", async () => {
      await logMessages(service, 30, log);
      const seen: number[] = [];
      let page = await service.search(request, { first: 7 });
      for (;;) {
        seen.push(...page.leafIndexes);
        if (!page.hasNextPage) break;
        const events = messages(3, "later");
        await service.append({ log, events, sign: false, path: "events" });
        const after = page.result.cursor(page.firstPosition + page.leafIndexes.length - 1);
        page = await service.results(page.result.id, { first: 7, after });
      }
      expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => 29 - i));
    });
  });
}
