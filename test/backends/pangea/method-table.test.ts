import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { testGateway, type TestGateway } from "../../graphql/gateway.js";
import { pangeaSdk } from "../../http/pangea/sdk.js";
import { TRANSPORTS } from "../../http/tail-clients.js";
import { openBehind, type Behind } from "./circle.js";

const document = readFileSync(fileURLToPath(new URL("../../../../docs/pangea.md", import.meta.url)), "utf8");
const [, section = ""] = document.split("## The SDK's methods in GraphQL");
const [table = ""] = section.split("\n## ");
const ROWS = [
  ...table.matchAll(/^\| (?!SDK|-)(.+?) +\| .*?\| .*?`((?:mutation|query|subscription|\{).*?)`(?=[,;:. |]).*\|$/gm),
].map(([, name = "", operation = ""]) => [name.trim(), operation] as const);

let behind: Behind;
let front: TestGateway;
let ids: { readonly search: string; readonly request: string };

beforeAll(async () => {
  behind = await openBehind();
  front = await testGateway(behind.front("default"));
  const { data: logged } = await front.text(
    'mutation { logBulkAsync(events: [{ message: "m", actor: "a", tenantId: "t" }, { message: "m" }]) { bulkRequest { id } } }',
  );
  const { data: found } = await front.text("{ search { resultId } }");
  ids = {
    request: (logged?.["logBulkAsync"] as { readonly bulkRequest: { readonly id: string } }).bulkRequest.id,
    search: (found?.["search"] as { readonly resultId: string }).resultId,
  };
});
afterAll(async () => {
  await front.close();
  await behind.close();
});

test("the table has a row for each method of the SDK, and for each line that it has", () => {
  const lines = table.split("\n").filter((line) => /^\| (?!SDK|-)/.test(line));
  expect(ROWS).toHaveLength(lines.length);
  const methods = Object.getOwnPropertyNames(pangeaSdk().AuditService.prototype);
  const inner = /^(?:constructor|get|set|process|verify)/;
  const named = [...methods.filter((name) => !inner.test(name)), "pollResult", "downloadFile"];
  const told = ROWS.map(([name]) => name).join();
  expect(named.filter((name) => !told.includes(`\`${name}\``))).toEqual([]);
});

test.each(ROWS)("%s is, in front of a service: %s", async (_, operation) => {
  if (operation.startsWith("subscription")) {
    const client = TRANSPORTS.SSE(`${front.url}/graphql`);
    const first = await client.iterate({ query: operation }).next();
    client.dispose();
    expect(first.value).toMatchObject({ data: { entryLogged: { event: { message: "m" } } } });
    return;
  }
  const { data, errors } = await front.text(operation, ids);
  expect(errors).toBeUndefined();
  const [shown] = Object.values(data ?? {});
  expect(shown).toBeTruthy();
  // What is empty or not VALID would pass for an answer; a signature is UNKNOWN where there is none.
  expect(JSON.stringify(shown)).not.toMatch(
    /null|\[\]|"INVALID"|"(?:hash|membership|consistency)":{"status":"UNKNOWN"/,
  );
});
