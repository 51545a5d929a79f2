import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { testWithout } from "../../audit/contract-test.js";
import { downloadContract } from "../../audit/download-contract.js";
import { auditSearchContract } from "../../audit/search-contract.js";
import { auditServiceContract, type OpenService } from "../../audit/service-contract.js";
import { openBehind, type Behind } from "./circle.js";

/** The protocol has no call for any of this (docs/pangea.md). */
const limited = testWithout([
  "are answered in the order asked, duplicates included, missing ones as missing",
  "are missing under a hash that nobody logged",
  "of membership verify for every leaf at every size",
  "of consistency verify for every pair of sizes, in both forms",
  "ends at maxResults, or at the last match where every match is asked for",
]);

/** Opening a door costs more than a test, so the tests share it, each with a log of its own. */
const LOGS = Array.from({ length: 60 }, (_, i) => `log-${i}`);

describe("the backend in front of our own door of the protocol", () => {
  const unused = [...LOGS];
  let behind: Behind;
  beforeAll(async () => {
    behind = await openBehind(LOGS);
  });
  afterAll(async () => {
    await behind.close();
  });

  const open: OpenService = async () => {
    const log = unused.pop();
    if (log === undefined) throw new Error("the contract has more tests than there are logs");
    return Promise.resolve({ service: behind.front(log), log: "default" });
  };
  for (const contract of [auditServiceContract, downloadContract, auditSearchContract]) {
    describe("promises", () => {
      contract(open, limited);
    });
  }

  test("declares nothing as unsupported that no promise is about", () => {
    expect(limited.unused()).toEqual([]);
  });
});
