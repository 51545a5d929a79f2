import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { logMessages, openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";

let gateway: TestGateway;
beforeAll(async () => {
  const logs = ["default", "readings"].map((log) => ({ log, format: "rfc6962" as const }));
  gateway = await testGateway(await openTestService({ logs }), { readLog: "readings" });
  await logMessages(gateway.service, 2);
});
afterAll(() => gateway.close());

const size = async (log: string) => (await gateway.service.root(log)).treeSize;

const EVENT = '{ message: "entries: 1 entries shown", actor: "bob", action: "audit.read" }';

test.each([
  ["log", `mutation { log(log: "readings", event: ${EVENT}) { root { treeSize } } }`],
  ["logBulk", `mutation { logBulk(log: "readings", events: [${EVENT}]) { root { treeSize } } }`],
  ["logBulkAsync", `mutation { logBulkAsync(log: "readings", events: [${EVENT}]) { bulkRequest { id } } }`],
])("%s to the log of readings is refused, to an operator on this machine too", async (_, mutation) => {
  const before = await size("readings");
  expect((await gateway.error(mutation)).extensions).toMatchObject({ code: "FORBIDDEN" });
  expect(await size("readings")).toBe(before);
});

test("readings are recorded there all the same, and other logs are logged to", async () => {
  const before = [await size("readings"), await size("default")];
  await gateway.text("{ search { nodes { leafIndex } } }");
  await gateway.text(`mutation { log(event: ${EVENT}) { root { treeSize } } }`);
  expect([await size("readings"), await size("default")]).toEqual(before.map((one) => one + 1));
});
