import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gatewayFolder, graphqlData, removeFolder, startGateway, type GatewayProcess } from "../../gateway.js";
import { startService, type StartedFake } from "./fake-service.js";

let folder: string;
let service: StartedFake;
let gateway: GatewayProcess | undefined;
beforeEach(async () => {
  folder = gatewayFolder();
  service = await startService({ hotSize: 2 });
});
afterEach(async () => {
  await gateway?.stop();
  await service.close();
  removeFolder(folder);
});

async function ask(query: string): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${gateway?.url}/graphql`, { method: "POST", headers, body: JSON.stringify({ query }) });
  return response.json();
}

test("a gateway in front of another gateway's door of the protocol shows, verified, what that one keeps in SQLite", async () => {
  const behind = await startGateway({ folder, env: { AUDITQL_LOG_FORMAT: "pangea" } });
  const env = {
    ...{ AUDITQL_STORE: `pangea+${behind.url}`, AUDITQL_PANGEA_TOKEN: "any", AUDITQL_ORIGIN: "front.example" },
    AUDITQL_KEY_FILE: join(folder, "front.key"),
  };
  gateway = await startGateway({ folder, env });
  await ask('mutation { log(event: { message: "one", actor: "alice" }, sign: true) { entry { hash } } }');
  await ask('mutation { log(event: { message: "two", actor: "bob" }) { entry { hash } } }');
  const search = `{ search(query: "one OR two") { totalCount edges { node { leafIndex canonical hash } ${VERIFICATION} } } }`;
  const here = await ask(search);
  const there = await graphqlData(behind.url, search);
  await behind.stop();
  expect(here).toEqual({ data: there });
  expect(there).toMatchObject({
    search: { totalCount: 2, edges: [{ verification: VERIFIED }, { verification: VERIFIED }] },
  });
});

test.each([
  [{}, "AUDITQL_PANGEA_TOKEN: expected the service's token"],
  [{ AUDITQL_PANGEA_TOKEN: "pts secret" }, "AUDITQL_PANGEA_TOKEN: expected the service's token"],
  [{ AUDITQL_PANGEA_TOKEN_FILE: "/nowhere" }, "AUDITQL_PANGEA_TOKEN_FILE: expected a file with the value"],
])("a gateway does not start with the token %j, and says what it needs without showing it", async (token, sentence) => {
  const started = startGateway({ folder, env: { AUDITQL_STORE: `pangea+${service.url}`, ...token } });
  const message = await started.then(
    () => "it started",
    (error: unknown) => String(error),
  );
  expect(message).toContain(sentence);
  expect(message).not.toContain("secret");
  expect(message).not.toContain("    at ");
});

const VALID = { status: "VALID" };
const VERIFIED = { hash: VALID, membership: VALID, consistency: VALID };
const VERIFICATION = "verification { hash { status } membership { status } consistency { status } }";

test("a gateway in front of a service logs and searches, and verifies events that share a leaf", async () => {
  const token = join(folder, "token");
  await writeFile(token, "pts_secret\n");
  const env = {
    ...{ AUDITQL_STORE: `pangea+${service.url}`, AUDITQL_PANGEA_TOKEN_FILE: token },
    AUDITQL_PANGEA_CONFIGS: "default:pci_one",
  };
  gateway = await startGateway({ folder, env });
  const events = ["zero", "one", "two", "three"].map((message) => `{ message: "${message}" }`);
  const logged = await ask(`mutation { logBulk(events: [${events.join()}], sign: true) { root { treeSize } } }`);
  expect(logged).toEqual({ data: { logBulk: { root: { treeSize: 2 } } } });
  const found = await ask(
    `{ search(query: "") { totalCount edges { node { leafIndex event { message } } ${VERIFICATION} } } }`,
  );
  const edge = (message: string, leafIndex: number) => ({
    ...{ node: { leafIndex, event: { message } }, verification: VERIFIED },
  });
  const edges = [edge("three", 1), edge("two", 1), edge("one", 0), edge("zero", 0)];
  expect(found).toEqual({ data: { search: { totalCount: 4, edges } } });
  expect(new Set(service.seen.map(({ headers }) => headers.authorization))).toEqual(new Set(["Bearer pts_secret"]));
  expect(service.seen.every(({ body }) => body.includes('"config_id":"pci_one"'))).toBe(true);
});
