import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
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

/** What a gateway that must not run prints until it ends. */
async function failedStart(options: Parameters<typeof startGateway>[0]): Promise<string> {
  const started = await startGateway(options).catch(String);
  return typeof started === "string" ? started : (await started.ended).printed;
}

describe("a gateway with a schema", () => {
  const file = (name: string, schema: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, typeof schema === "string" ? schema : JSON.stringify(schema));
    return path;
  };
  const message = { id: "message", type: "string", required: true };
  const env = (path: string) => ({ AUDITQL_LOGS: "own:pangea,sdk:pangea", AUDITQL_LOG_SCHEMAS: `own:${path}` });

  test("logs by it, says it, and refuses to start with another one", async () => {
    const own = gatewayFolder();
    const first = file("first.json", { fields: [message, { id: "n", type: "integer" }] });
    const gateway = await startGateway({ folder: own, env: env(first) });
    const client = clientOf(gateway.url, "token", { config: "own" });
    await client.log({ message: "m", n: 7 }, { verify: true });
    const { result } = await client.search("n:7", {}, { verifyConsistency: true });
    await gateway.stop();
    expect(result.events.map(({ envelope }) => envelope?.event)).toEqual([{ message: "m", n: 7 }]);
    const other = file("other.json", { fields: [message, { id: "n", type: "text" }] });
    const refused = await failedStart({ folder: own, env: env(other) });
    expect(refused).toMatch(/The log own is declared with another schema: it was created with the schema [0-9a-f]{64}/);
    removeFolder(own);
  });

  test("names every bad path of every file, and what has no schema", async () => {
    const bad = file("bad.json", { fields: [message, { id: "N", type: "int" }], more: 1 });
    const broken = file("broken.json", "{");
    const told = await failedStart({
      folder,
      env: {
        AUDITQL_LOGS: "a:pangea,b:pangea,c:pangea,d:rfc6962",
        AUDITQL_LOG_SCHEMAS: `a:${bad},b:${broken},c:/nowhere/schema.json,d:${bad},e:${bad}`,
      },
    });
    for (const part of [
      `${bad}.more: expected one of client_signable, tamper_proofing, save_malformed, fields, got an unknown member`,
      `${bad}.fields[1].id: expected a name`,
      `${bad}.fields[1].type: expected one of boolean`,
      `AUDITQL_LOG_SCHEMAS ${broken}: expected a JSON document that can be read`,
      "AUDITQL_LOG_SCHEMAS /nowhere/schema.json: expected a file, got none",
      "AUDITQL_LOG_SCHEMAS: expected a log of the format pangea, got d, of rfc6962",
      "AUDITQL_LOG_SCHEMAS: expected one of default, a, b, c, d, got e",
    ])
      expect(told).toContain(part);
  });
});
