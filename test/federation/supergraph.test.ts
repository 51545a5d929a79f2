import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { compose, openSupergraph, post, stopAll, type Subgraph, type Supergraph } from "./supergraph.js";
import { TamperedStore } from "./tampered-store.js";
import { openDocuments, openUsers } from "./teams.js";

const EVENTS = [
  { message: "Ada signed up", target: "42", action: "create" },
  { message: "Plan was written", actor: "42", target: "Document:doc-1", action: "create" },
  { message: "Ada was renamed", target: "42", action: "update" },
  { message: "Grace signed up", target: "43", action: "create" },
  { message: "Plan was published", actor: "43", target: "Document:doc-1", action: "publish" },
  { message: "Ada was promoted", target: "42", action: "update" },
];

const store = new TamperedStore();
const entryIds: string[] = [];
let audit: TestGateway;
let subgraphs: readonly Subgraph[];
let supergraph: Supergraph;

beforeAll(async () => {
  entryIds.push(...(await store.logged(EVENTS)));
  audit = await testGateway(await openTestService({ store }));
  const teams = await Promise.all([openUsers(), openDocuments(() => entryIds[4] ?? "")]);
  subgraphs = [{ name: "audit", url: `${audit.url}/graphql` }, ...teams];
  supergraph = await openSupergraph(subgraphs);
});

afterAll(async () => {
  await stopAll();
  await audit.close();
});

/** The data of an operation that must succeed. */
async function data(query: string, variables: object = {}): Promise<unknown> {
  const { data, errors } = await supergraph.ask(query, variables);
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
}

const trailOf = (...messages: string[]) => ({ nodes: messages.map((message) => ({ event: { message } })) });

/** First of all: what a page has shown stays in memory as it was logged. */
describe("an entry whose stored bytes were changed", () => {
  beforeAll(() => supergraph.ask("{ search { totalCount } }")); // the index has read it before

  test("is an error with our code, and null, where it is referred to", async () => {
    store.changed.add(4);
    const { data, errors } = await supergraph.ask(`{ documents { title lastChange { leafIndex } } }`);
    store.changed.delete(4);
    expect(data).toEqual({ documents: ["Plan", "Answers"].map((title) => ({ title, lastChange: null })) });
    expect(errors).toMatchObject([{ extensions: { code: "ENTRY_CORRUPT", log: "default", leafIndex: 4 } }]);
  });

  test("leaves a gap in a trail, with our code", async () => {
    store.changed.add(0);
    const { data, errors } = await supergraph.ask(`{ user(id: "42") { auditTrail(last: 2) { nodes { leafIndex } } } }`);
    store.changed.delete(0);
    expect(data).toEqual({ user: { auditTrail: { nodes: [{ leafIndex: 2 }, null] } } });
    expect(errors).toMatchObject([{ extensions: { code: "ENTRY_CORRUPT", leafIndex: 0 } }]);
  });
});

describe("composition", () => {
  test("takes our subgraph beside others without a word of advice about it", async () => {
    const { errors, hints } = await compose(subgraphs);
    expect({ errors, warnings: hints.filter((hint) => !hint.startsWith("INFO") && !hint.startsWith("DEBUG")) }).toEqual(
      {
        errors: [],
        warnings: [],
      },
    );
  });

  test("asks for the interface Auditable if no other subgraph has it", async () => {
    const { errors } = await compose(subgraphs.slice(0, 1));
    expect(errors).toEqual([expect.stringContaining('"Auditable" is declared with @interfaceObject')]);
  });
});

describe("auditTrail", () => {
  test("is on entities of every other subgraph: newest first, of this entity only", async () => {
    const query = `{
      user(id: "42") { name auditTrail(first: 2) { totalCount nodes { event { message } } } }
      documents { title auditTrail { nodes { event { message } } } }
    }`;
    expect(await data(query)).toEqual({
      user: { name: "Ada", auditTrail: { totalCount: 3, ...trailOf("Ada was promoted", "Ada was renamed") } },
      documents: [
        { title: "Plan", auditTrail: trailOf() },
        { title: "Answers", auditTrail: trailOf("Ada was promoted", "Ada was renamed", "Ada signed up") },
      ],
    });
  });

  test("tells entities with the same id apart by the prefix that their events write", async () => {
    const query = `{ documents { auditTrail(prefix: "Document:") { nodes { event { message } } } } }`;
    expect(await data(query)).toEqual({
      documents: [{ auditTrail: trailOf("Plan was published", "Plan was written") }, { auditTrail: trailOf() }],
    });
  });

  test("follows what an entity did as well as what was done to it", async () => {
    const query = `{ users { auditTrail(field: ACTOR) { nodes { event { message } } } } }`;
    expect(await data(query)).toEqual({
      users: [{ auditTrail: trailOf("Plan was written") }, { auditTrail: trailOf("Plan was published") }],
    });
  });

  test("takes a search's own arguments", async () => {
    const query = `{ user(id: "42") {
      auditTrail(query: "action=update", orderBy: { direction: ASC }, maxResults: 1) { totalCount nodes { event { message } } }
    } }`;
    expect(await data(query)).toEqual({ user: { auditTrail: { totalCount: 1, ...trailOf("Ada was renamed") } } });
  });

  test("is on entities that come as the interface", async () => {
    const query = `{ everything { id auditTrail(last: 1) { nodes { event { message } } } } }`;
    expect(await data(query)).toEqual({
      everything: [
        { id: "42", auditTrail: trailOf("Ada signed up") },
        { id: "43", auditTrail: trailOf("Grace signed up") },
      ],
    });
  });

  test("carries every proof of its entries", async () => {
    const query = `{ user(id: "43") { auditTrail {
      root { treeSize verification { checkpoint { status } } }
      edges { membershipProof { treeSize } verification { hash { status } membership { status } } }
    } } }`;
    const valid = { status: "VALID" };
    const edge = { membershipProof: { treeSize: 6 }, verification: { hash: valid, membership: valid } };
    expect(await data(query)).toEqual({
      user: { auditTrail: { root: { treeSize: 6, verification: { checkpoint: valid } }, edges: [edge] } },
    });
  });
});

describe("paging through the supergraph", () => {
  const PAGE = `query ($id: ID!, $after: String, $field: AuditTrailField! = TARGET) { user(id: $id) {
    auditTrail(first: 2, after: $after, field: $field) {
      nodes { event { message } } pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  } }`;
  let endCursor: string;

  beforeAll(async () => {
    const { user } = (await data(PAGE, { id: "42" })) as {
      readonly user: { readonly auditTrail: { readonly pageInfo: { readonly endCursor: string } } };
    };
    ({ endCursor } = user.auditTrail.pageInfo);
  });

  test("goes on after a cursor", async () => {
    expect(await data(PAGE, { id: "42", after: endCursor })).toEqual({
      user: {
        auditTrail: {
          ...trailOf("Ada signed up"),
          pageInfo: { hasNextPage: false, hasPreviousPage: true, endCursor: expect.any(String) },
        },
      },
    });
  });

  test.each([
    ["another entity", { id: "43" }],
    ["another field of the same entity", { id: "42", field: "ACTOR" }],
  ])("refuses a cursor for %s", async (_of, variables) => {
    const { data, errors } = await supergraph.ask(PAGE, { ...variables, after: endCursor });
    const problem = { path: "after", expected: "a cursor of this search", got: "a cursor of another search" };
    expect(data).toEqual({ user: { auditTrail: null } });
    expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", problems: [problem] } }]);
  });
});

describe("an entry by reference", () => {
  test("is completed by us where another subgraph kept its id", async () => {
    const query = `{ documents {
      title author { name } lastChange { leafIndex event { message } verification { hash { status } consistency { status } } }
    } }`;
    const valid = { status: "VALID" };
    const lastChange = {
      ...{ leafIndex: 4, event: { message: "Plan was published" } },
      verification: { hash: valid, consistency: valid },
    };
    expect(await data(query)).toEqual({
      documents: [
        { title: "Plan", author: { name: "Ada" }, lastChange },
        { title: "Answers", author: { name: "Grace" }, lastChange: null },
      ],
    });
  });
});

describe("errors of ours", () => {
  test("keep their code and every bad path on the way through the supergraph", async () => {
    const { errors } = await supergraph.ask(`mutation { log(event: { message: "" }) { root { treeSize } } }`);
    const problems = [expect.objectContaining({ path: "event.message" })];
    expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", problems, serviceName: "audit" } }]);
  });
});

describe("_entities", () => {
  const ENTITIES = `query ($representations: [_Any!]!) { _entities(representations: $representations) {
    ... on AuditEntry { leafIndex } ... on AuditRoot { treeSize } ... on Auditable { id auditTrail { totalCount } }
  } }`;
  const entities = (...representations: object[]) =>
    post(`${audit.url}/graphql`, { query: ENTITIES, variables: { representations } });
  const idOf = (text: string) => Buffer.from(text).toString("base64url");

  test("answers each of a mixed lot in its place, null where there is none", async () => {
    const { data, errors } = await entities(
      { __typename: "AuditRoot", id: idOf("Root:2:default") },
      { __typename: "AuditEntry", id: idOf("Entry:0:default") },
      { __typename: "AuditEntry", id: idOf("Entry:999:default") },
      { __typename: "AuditRoot", id: idOf("Root:999:default") },
      { __typename: "AuditEntry", id: idOf("Entry:0:elsewhere") },
      { __typename: "Auditable", id: "nobody" },
      { __typename: "Auditable", id: 42 },
    );
    const nobody = { id: "nobody", auditTrail: { totalCount: 0 } };
    const fortyTwo = { id: "42", auditTrail: { totalCount: 3 } };
    expect(errors).toBeUndefined();
    expect(data).toEqual({ _entities: [{ treeSize: 2 }, { leafIndex: 0 }, null, null, null, nobody, fortyTwo] });
  });

  test("reads all entries of a request in one call", async () => {
    const entriesRead = jest.spyOn(audit.service, "entries");
    const { data } = await entities(
      ...EVENTS.map((_, leafIndex) => ({ __typename: "AuditEntry", id: idOf(`Entry:${leafIndex}:default`) })),
    );
    const calls = entriesRead.mock.calls.map(([, leafIndexes]) => leafIndexes);
    entriesRead.mockRestore();
    expect({ data, calls }).toEqual({
      data: { _entities: EVENTS.map((_, leafIndex) => ({ leafIndex })) },
      calls: [[0, 1, 2, 3, 4, 5]],
    });
  });

  test.each<[string, object, string?]>([
    ["an id that we never answered", { __typename: "AuditEntry", id: "made up" }],
    ["the id of another type", { __typename: "AuditEntry", id: idOf("Root:2:default") }],
    ["no id", { __typename: "AuditRoot" }],
    ["a fraction for an id", { __typename: "Auditable", id: 42.5 }],
    ["an empty id", { __typename: "Auditable", id: "" }],
    ["a type that is no entity", { __typename: "AuditEvent", id: "1" }, "__typename"],
    ["a type that does not exist", { __typename: "__proto__", id: "1" }, "__typename"],
    ["no type", { id: "1" }, "__typename"],
  ])("refuses %s, and answers the others", async (_what, reference, member = "id") => {
    const { data, errors } = await entities(reference, { __typename: "AuditEntry", id: idOf("Entry:1:default") });
    expect(data).toEqual({ _entities: [null, { leafIndex: 1 }] });
    const problems = [{ path: `representations.${member}` }];
    expect(errors).toMatchObject([{ path: ["_entities", 0], extensions: { code: "BAD_USER_INPUT", problems } }]);
  });

  test("takes variables that are not given for the defaults", async () => {
    const { data, errors } = await post(`${audit.url}/graphql`, {
      query: `query ($of: [_Any!]!, $field: AuditTrailField, $prefix: String, $query: String) {
        _entities(representations: $of) {
          ... on Auditable { auditTrail(field: $field, prefix: $prefix, query: $query) { totalCount } }
        }
      }`,
      variables: { of: [{ __typename: "Auditable", id: "42" }] },
    });
    expect({ data, errors }).toEqual({ data: { _entities: [{ auditTrail: { totalCount: 3 } }] } });
  });

  test.each([
    ["prefix", `prefix: "\\u0000"`, "42"],
    ["representations.id", `prefix: ""`, "\0"],
  ])("names %s if it could not be in any event", async (path, args, id) => {
    const { errors } = await post(`${audit.url}/graphql`, {
      query: `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Auditable { auditTrail(${args}) { totalCount } } } }`,
      variables: { of: [{ __typename: "Auditable", id }] },
    });
    expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", problems: [{ path }] } }]);
  });
});
