import { beforeEach, describe, expect, test } from "@jest/globals";
import { ScopedService } from "../../src/access/scoped-service.js";
import type { AuditService } from "../../src/audit/service.js";
import { expectCode } from "../engine/rejection.js";
import { logMessages, openTestService } from "../engine/test-log.js";
import { CREDENTIALS, NOW_MS } from "./credentials.js";

describe("a credential that expires while it is used", () => {
  const { principal } = CREDENTIALS["good for a millisecond more"];
  let nowMs: number;
  let service: AuditService;
  let as: ScopedService;
  beforeEach(async () => {
    nowMs = NOW_MS;
    service = await openTestService();
    await logMessages(service, 3);
    as = new ScopedService(service, { principal, now: () => nowMs });
  });

  test("does not see again what it has seen, for it sees everything", async () => {
    await as.entries("default", [0, 99]);
    nowMs += 1;
    await expectCode(as.entries("default", [0]), "UNAUTHENTICATED");
  });

  test("does not see its receipt again, for it sees everything", async () => {
    const { root } = await logMessages(as, 1);
    nowMs += 1;
    await expectCode(as.entries("default", [3]), "UNAUTHENTICATED");
    await expectCode(as.root("default", root.treeSize), "UNAUTHENTICATED");
  });

  test("sees a tail and a download no further", async () => {
    const stop = new AbortController();
    const tail = (await as.tail({ log: "default", fromLeafIndex: 0 }, stop))[Symbol.asyncIterator]();
    const { result } = await as.search({ log: "default", query: "" }, {});
    const download = await as.download({ id: result.id, everyMatch: true });
    expect((await tail.next()).value).toMatchObject({ kind: "entry" });
    nowMs += 1;
    await expectCode(tail.next(), "UNAUTHENTICATED");
    await expectCode(download.pages(stop.signal)[Symbol.asyncIterator]().next(), "UNAUTHENTICATED");
    stop.abort();
  });
});
