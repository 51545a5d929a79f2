import { afterAll, expect, test } from "@jest/globals";
import { openTestService } from "../engine/test-log.js";
import { testGateway } from "../graphql/gateway.js";
import { openSupergraph, stopAll } from "./supergraph.js";
import { openUsers } from "./teams.js";

const TRAILS = `query ($query: String!) { users { name auditTrail(query: $query) { totalCount } } }`;
const WITHOUT_TRAILS = {
  users: [
    { name: "Ada", auditTrail: null },
    { name: "Grace", auditTrail: null },
  ],
};

const gateway = await testGateway(await openTestService());
const supergraph = await openSupergraph([{ name: "audit", url: `${gateway.url}/graphql` }, await openUsers()]);
afterAll(() => stopAll());

test("a trail that is refused leaves its entity", async () => {
  const { data, errors = [] } = await supergraph.ask(TRAILS, { query: "(" });
  expect(data).toEqual(WITHOUT_TRAILS);
  expect(new Set(errors.map(({ extensions }) => extensions?.["code"]))).toEqual(new Set(["BAD_USER_INPUT"]));
});

test("entities are shown without their trails while no gateway of ours can be reached", async () => {
  await gateway.close();
  const { data, errors = [] } = await supergraph.ask(TRAILS, { query: "" });
  expect(data).toEqual(WITHOUT_TRAILS);
  expect(errors.length).toBeGreaterThan(0);
});
