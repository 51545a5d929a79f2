import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openInventory, openUsers, OF_USERS } from "./products/neighbours.js";
import { productsSchema } from "./products/schema.js";
import {
  compose,
  openSubgraph,
  openSupergraph,
  post,
  stopAll,
  type Composition,
  type Subgraph,
  type Supergraph,
} from "./supergraph.js";

let products: Subgraph;
let composition: Composition;
let supergraph: Supergraph;

beforeAll(async () => {
  products = await openSubgraph("products", await productsSchema());
  const subgraphs = [products, ...(await Promise.all([openUsers(), openInventory()]))];
  composition = await compose(subgraphs);
  supergraph = await openSupergraph(subgraphs);
});

afterAll(stopAll);

const EMAIL = "support@apollographql.com";

/** What the subgraph answers when a router asks it for entities, each with one selection. */
async function entities(selection: string, ...representations: object[]): Promise<unknown> {
  const query = `query ($representations: [_Any!]!) { _entities(representations: $representations) { ${selection} } }`;
  const { data, errors } = await post(products.url, { query, variables: { representations } });
  expect(errors).toBeUndefined();
  return data?.["_entities"];
}

async function throughSupergraph(query: string): Promise<unknown> {
  const { data, errors } = await supergraph.ask(query);
  expect(errors).toBeUndefined();
  return data;
}

async function publishedSchema(): Promise<string> {
  const { data } = await post(products.url, { query: "{ _service { sdl } }" });
  return JSON.stringify(data);
}

describe("the schema that the subgraph publishes", () => {
  test("composes with the other subgraphs without a warning", () => {
    expect(composition.errors).toEqual([]);
    expect(composition.hints.filter((hint) => hint.startsWith("WARN"))).toEqual([]);
  });

  test("links the specification whose directives it imports", async () => {
    expect(await publishedSchema()).toMatch(/@link\(url: \\"https:\/\/specs\.apollo\.dev\/federation\/v2\.9\\"/);
  });

  test.each([
    "shareable",
    'tag(name: "internal")',
    "inaccessible",
    'override(from: "users")',
    "interfaceObject",
    "custom",
  ])("keeps @%s", async (directive) => {
    expect(await publishedSchema()).toContain(` @${directive}`.replaceAll('"', '\\"'));
  });
});

describe("@key", () => {
  test("single: finds a user by email", async () => {
    const found = await entities("... on User { email name }", { __typename: "User", email: EMAIL });
    expect(found).toEqual([{ email: EMAIL, name: "Jane Smith" }]);
  });

  test("multiple fields: finds a deprecated product by sku and package", async () => {
    const key = { sku: "apollo-federation-v1", package: "@apollo/federation-v1" };
    const found = await entities("... on DeprecatedProduct { sku package reason }", {
      __typename: "DeprecatedProduct",
      ...key,
    });
    expect(found).toEqual([{ ...key, reason: "Migrate to Federation V2" }]);
  });

  test("composite: finds research by a field of its study", async () => {
    const found = await entities("... on ProductResearch { study { caseNumber description } }", {
      __typename: "ProductResearch",
      study: { caseNumber: "1235" },
    });
    expect(found).toEqual([{ study: { caseNumber: "1235", description: "Studio Study" } }]);
  });

  test("repeatable: finds a product by each of its three keys, and null by none", async () => {
    const found = await entities(
      "... on Product { id sku }",
      { __typename: "Product", id: "apollo-federation" },
      { __typename: "Product", sku: "federation", package: "@apollo/federation" },
      { __typename: "Product", sku: "studio", variation: { id: "platform" } },
      { __typename: "Product", id: "unheard of" },
    );
    const federation = { id: "apollo-federation", sku: "federation" };
    expect(found).toEqual([federation, federation, { id: "apollo-studio", sku: "studio" }, null]);
  });
});

describe("in the supergraph", () => {
  test("@requires brings us what the other subgraph knows", async () => {
    expect(await throughSupergraph("{ users { averageProductsCreatedPerYear } }")).toEqual({
      users: [{ averageProductsCreatedPerYear: OF_USERS.totalProductsCreated / OF_USERS.yearsOfEmployment }],
    });
  });

  test("@requires brings the other subgraph what we know", async () => {
    const query = `{ product(id: "apollo-studio") { delivery(zip: "94111") { estimatedDelivery fastestDelivery } } }`;
    const delivery = { estimatedDelivery: "small, 1", fastestDelivery: "small, 1 to 94111" };
    expect(await throughSupergraph(query)).toEqual({ product: { delivery } });
  });

  test("@provides answers an external field on the path that provides it, and there alone", async () => {
    const query = `{
      product(id: "apollo-federation") { createdBy { totalProductsCreated } }
      deprecatedProduct(sku: "apollo-federation-v1", package: "@apollo/federation-v1") { createdBy { totalProductsCreated } }
    }`;
    expect(await throughSupergraph(query)).toEqual({
      product: { createdBy: { totalProductsCreated: 1337 } },
      deprecatedProduct: { createdBy: { totalProductsCreated: OF_USERS.totalProductsCreated } },
    });
  });

  test("@override takes a field over from the subgraph that had it", async () => {
    expect(await throughSupergraph("{ users { name } }")).toEqual({ users: [{ name: "Jane Smith" }] });
  });

  test("@shareable lets two subgraphs have one type", async () => {
    const query = `{ product(id: "apollo-federation") { dimensions { size weight } } }`;
    expect(await throughSupergraph(query)).toEqual({ product: { dimensions: { size: "small", weight: 1 } } });
  });

  test("@inaccessible hides a field from clients, and from them alone", async () => {
    const query = `{ product(id: "apollo-federation") { dimensions { unit } } }`;
    const { errors } = await supergraph.ask(query);
    expect(errors).toMatchObject([{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }]);
    expect((await post(products.url, { query })).data).toEqual({ product: { dimensions: { unit: "kg" } } });
  });

  test("@tag and a composed directive of one's own are kept for contracts and tools", () => {
    expect(composition.supergraphSdl).toMatch(/notes: String .*@tag\(name: "internal"\)/);
    expect(composition.supergraphSdl).toContain("directive @custom on OBJECT");
    expect(composition.supergraphSdl).toMatch(/type Product(\n +@join__type.*)+\n +@custom\n/);
  });

  test("@interfaceObject gives a field to every type of another subgraph's interface", async () => {
    const query = "{ warehouses { __typename id deprecatedProducts { sku } } }";
    expect(await throughSupergraph(query)).toEqual({
      warehouses: [{ __typename: "Warehouse", id: "w-1", deprecatedProducts: [{ sku: "apollo-federation-v1" }] }],
    });
  });
});

describe("federated tracing (ftv1)", () => {
  const query = `{ product(id: "apollo-federation") { dimensions { weight } } }`;

  test("answers a trace of every field to a router that asks for one", async () => {
    const { data, extensions } = await post(products.url, { query }, { "apollo-federation-include-trace": "ftv1" });
    const trace = Buffer.from(String(extensions?.["ftv1"]), "base64").toString("latin1");
    expect(data).toEqual({ product: { dimensions: { weight: 1 } } });
    for (const name of ["product", "dimensions", "weight", "ProductDimension", "Float"]) expect(trace).toContain(name);
  });

  test("answers none to others", async () => {
    expect((await post(products.url, { query })).extensions).toBeUndefined();
  });
});
