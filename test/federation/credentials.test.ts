import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Grant } from "../../src/access/grant.js";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import { DEFAULT_LOG } from "../../src/audit/service.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { openSupergraph, stopAll, type Answer, type Supergraph } from "./supergraph.js";
import { openUsers } from "./teams.js";

const GRANTS = {
  reader: { scopes: ["audit:read"] },
  logger: { scopes: ["audit:log"] },
  acme: { scopes: ["audit:read", "audit:log"], tenant: "acme" },
} as const satisfies Record<string, Grant>;

type Holder = keyof typeof GRANTS;

const TRAIL = `{ user(id: "42") { name auditTrail { nodes { event { message tenantId } } } } }`;
const LOG = `mutation { log(event: { message: "Ada left", target: "42" }) { entry { event { tenantId } } } }`;

let folder: string;
let audit: TestGateway;
let supergraph: Supergraph;
const keys = new Map<Holder, string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-federation-"));
  const apiKeys = join(folder, "keys.json");
  for (const holder of ["reader", "logger", "acme"] as const) {
    keys.set(holder, (await createKey(apiKeys, { name: holder, ...GRANTS[holder] }, new Date())).text);
  }
  const service = await openTestService();
  const events = ["acme", "globex"].map((tenant_id) => ({ event: { message: "signed up", target: "42", tenant_id } }));
  await service.append({ log: DEFAULT_LOG, events, sign: false, path: "events" });
  audit = await testGateway(service, { access: await openAccess({ host: "127.0.0.1", apiKeys }) });
  const users = await openUsers();
  supergraph = await openSupergraph([{ name: "audit", url: `${audit.url}/graphql` }, users], headersOf("reader"));
});

afterAll(async () => {
  await stopAll();
  await audit.close();
  await rm(folder, { recursive: true });
});

function headersOf(holder: Holder): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${keys.get(holder) ?? ""}` };
}

const as = (holder: Holder, query: string): Promise<Answer> => supergraph.ask(query, {}, headersOf(holder));
const codes = ({ errors = [] }: Answer): readonly unknown[] => errors.map(({ extensions }) => extensions?.["code"]);
const signedUp = (...tenants: string[]) => tenants.map((tenantId) => ({ event: { message: "signed up", tenantId } }));

describe("a client's credential", () => {
  test("reaches us through the supergraph", async () => {
    const nodes = signedUp("globex", "acme");
    expect(await as("reader", TRAIL)).toEqual({ data: { user: { name: "Ada", auditTrail: { nodes } } } });
  });

  test("shows in a trail only what its tenant may see", async () => {
    const nodes = signedUp("acme");
    expect(await as("acme", TRAIL)).toEqual({ data: { user: { name: "Ada", auditTrail: { nodes } } } });
  });

  test("is refused with its code where its scopes do not reach", async () => {
    const refused = await as("logger", TRAIL);
    expect(codes(refused)).toEqual(["FORBIDDEN"]);
    expect(codes(await as("reader", LOG))).toEqual(["FORBIDDEN"]);
    expect(refused.data).toEqual({ user: { name: "Ada", auditTrail: null } });
  });

  test("logs in its tenant's name", async () => {
    const { data } = await as("acme", LOG);
    expect(data).toEqual({ log: { entry: { event: { tenantId: "acme" } } } });
  });

  test("is asked for by us alone: without it the other subgraphs still answer", async () => {
    const answer = await supergraph.ask(`{ users { name } user(id: "42") { auditTrail { totalCount } } }`);
    expect(codes(answer)).toEqual(["UNAUTHENTICATED"]);
    expect(answer.data).toEqual({ users: [{ name: "Ada" }, { name: "Grace" }], user: { auditTrail: null } });
  });
});
