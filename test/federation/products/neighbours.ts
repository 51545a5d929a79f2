import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";
import { openSubgraph, type Subgraph } from "../supergraph.js";
import { user } from "./data.js";

const link = (...directives: string[]) =>
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ${JSON.stringify(directives)})`;

/** Whose user it is. Each value differs from what products would say, so that an answer shows where it came from. */
export const OF_USERS = { name: "a name that is out of date", totalProductsCreated: 12, yearsOfEmployment: 3 };

export function openUsers(): Promise<Subgraph> {
  const typeDefs = parse(`${link("@key", "@shareable")}
    type User @key(fields: "email") { email: ID! name: String totalProductsCreated: Int @shareable yearsOfEmployment: Int! }
    type Query { users: [User!]! }
  `);
  const theUser = { ...OF_USERS, email: user.email };
  const resolvers = { Query: { users: () => [theUser] }, User: { __resolveReference: () => theUser } };
  return openSubgraph("users", buildSubgraphSchema({ typeDefs, resolvers }));
}

/** A delivery depends on the size and weight that products know; a warehouse gets its products from there too. */
export function openInventory(): Promise<Subgraph> {
  const typeDefs = parse(`${link("@key", "@shareable", "@external", "@requires")}
    type Product @key(fields: "id") {
      id: ID!
      dimensions: ProductDimension @external
      delivery(zip: String): DeliveryEstimates @requires(fields: "dimensions { size weight }")
    }
    type ProductDimension @shareable { size: String weight: Float }
    type DeliveryEstimates { estimatedDelivery: String fastestDelivery: String }
    interface Inventory @key(fields: "id") { id: ID! }
    type Warehouse implements Inventory @key(fields: "id") { id: ID! }
    type Query { warehouses: [Inventory!]! }
  `);
  interface Product {
    readonly dimensions: { readonly size: string; readonly weight: number };
  }
  const delivery = ({ dimensions: { size, weight } }: Product, { zip }: { readonly zip: string }) => ({
    estimatedDelivery: `${size}, ${weight}`,
    fastestDelivery: `${size}, ${weight} to ${zip}`,
  });
  const resolvers = {
    Query: { warehouses: () => [{ __typename: "Warehouse", id: "w-1" }] },
    Product: { __resolveReference: (reference: Product) => reference, delivery },
  };
  return openSubgraph("inventory", buildSubgraphSchema({ typeDefs, resolvers }));
}
