import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { gatewayFolder, removeFolder, startGateway } from "../../gateway.js";
import { clientOf, stubArweave } from "./sdk.js";

const folder = gatewayFolder();
let restore: () => void;
beforeAll(() => {
  restore = stubArweave();
});
afterAll(() => {
  restore();
  removeFolder(folder);
});

test("a gateway serves its only log of the format pangea without its name, and polls after a restart", async () => {
  const options = { folder, env: { AUDITQL_LOGS: "default:rfc6962,sdk:pangea" } };
  const first = await startGateway(options);
  const accepted = await clientOf(first.url).logBulkAsync([{ message: "a" }, { message: "b" }]);
  const { result: found } = await clientOf(first.url).search("", { limit: 1 }, {});
  await first.stop();
  const second = await startGateway(options);
  const polled = await clientOf(second.url).pollResult(accepted.request_id);
  const { result: page } = await clientOf(second.url).results(found.id, 1, 1, { verifyConsistency: true });
  await second.stop();
  expect([accepted.status, polled.result.results.length]).toEqual(["Accepted", 2]);
  expect(page.events.map((event) => [event.leaf_index, event.membership_verification])).toEqual([[0, "pass"]]);
});
