import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { TRANSPORTS } from "../http/tail-clients.js";
import { openHive } from "./hive.js";
import { composed, post, stopAll, type Answer, type Headers } from "./supergraph.js";
import { openDocuments, openUsers } from "./teams.js";

const LOG = `mutation ($events: [AuditEventInput!]!) { logBulk(events: $events) { entries { id event { tenantId } } } }`;
const EVENTS = [
  { message: "Ada signed up", target: "42" },
  { message: "Plan was published", target: "Document:doc-1" },
];
const TENANT = "acme";

let folder: string;
let audit: TestGateway;
let url: string;
let member: Headers;
let writer: Headers;
let lastChange = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-hive-"));
  const apiKeys = join(folder, "keys.json");
  const keyOf = async (grant: Partial<Parameters<typeof createKey>[1]>): Promise<Headers> => {
    const { text } = await createKey(apiKeys, { name: "key", scopes: ["audit:log"], ...grant }, new Date());
    return { authorization: `Bearer ${text}` };
  };
  member = await keyOf({ scopes: ["audit:read", "audit:log"], tenant: TENANT });
  writer = await keyOf({});
  const service = await openTestService();
  const events = [{ event: { message: "of another tenant", target: "42", tenant_id: "globex" } }];
  await service.append({ log: "default", events, sign: false, path: "events" });
  audit = await testGateway(service, { access: await openAccess({ host: "127.0.0.1", apiKeys }) });
  const teams = await Promise.all([openUsers(), openDocuments(() => lastChange)]);
  url = await openHive(await composed([{ name: "audit", url: `${audit.url}/graphql` }, ...teams], member));
  const { data } = await ask(LOG, member, { events: EVENTS });
  const { entries } = data?.["logBulk"] as { readonly entries: readonly { readonly id: string }[] };
  lastChange = entries[1]?.id ?? "";
});

afterAll(async () => {
  await stopAll();
  await audit.close();
  await rm(folder, { recursive: true });
});

const ask = (query: string, headers: Headers, variables = {}): Promise<Answer> =>
  post(url, { query, variables }, headers);

test("Hive Gateway shows the trails of entities of two subgraphs, and the entry that one of them refers to", async () => {
  const query = `{
    users { name auditTrail { nodes { event { message tenantId } } } }
    documents { title author { name } lastChange { leafIndex event { message } }
      auditTrail(prefix: "Document:") { edges { verification { membership { status } } } } }
  }`;
  const trail = (...nodes: unknown[]) => ({ nodes });
  const signedUp = { event: { message: "Ada signed up", tenantId: TENANT } };
  expect(await ask(query, member)).toEqual({
    data: {
      users: [
        { name: "Ada", auditTrail: trail(signedUp) },
        { name: "Grace", auditTrail: trail() },
      ],
      documents: [
        {
          ...{ title: "Plan", author: { name: "Ada" } },
          lastChange: { leafIndex: 2, event: { message: "Plan was published" } },
          auditTrail: { edges: [{ verification: { membership: { status: "VALID" } } }] },
        },
        { title: "Answers", author: { name: "Grace" }, lastChange: null, auditTrail: { edges: [] } },
      ],
    },
  });
});

test.each([
  { what: "without the scope", headers: () => writer, code: "FORBIDDEN" },
  { what: "without a credential", headers: () => ({}), code: "UNAUTHENTICATED" },
])("Hive Gateway shows the entity all the same to a client $what, with our code", async ({ headers, code }) => {
  const { data, errors } = await ask(`{ user(id: "42") { name auditTrail { totalCount } } }`, headers());
  expect(data).toEqual({ user: { name: "Ada", auditTrail: null } });
  expect(errors).toMatchObject([{ extensions: { code } }]);
});

test("Hive Gateway follows the log with the client's credential", async () => {
  const client = TRANSPORTS.SSE(url, member);
  const query = "subscription { entryLogged(fromLeafIndex: 0) { leafIndex event { message } } }";
  const seen: unknown[] = [];
  for await (const { data, errors } of client.iterate({ query })) {
    expect(errors).toBeUndefined();
    if (seen.push(data?.entryLogged) === EVENTS.length) break;
  }
  client.dispose();
  expect(seen).toEqual(EVENTS.map(({ message }, at) => ({ leafIndex: at + 1, event: { message } })));
});
