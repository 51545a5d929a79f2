import "reflect-metadata";
import { DirectiveLocation, GraphQLDirective, type GraphQLSchema } from "graphql";
import { Arg, ID, Query, Resolver } from "type-graphql";
import { buildSubgraph } from "../../../src/graphql/subgraph.js";
import { products, type DeprecatedProductData, type ProductData } from "./data.js";
import {
  DeprecatedProduct,
  deprecatedProductByReference,
  Inventory,
  inventoryByReference,
} from "./deprecated-product.js";
import { Product, productByReference, researchByReference } from "./product.js";
import { userByReference, UserResolver } from "./user.js";

@Resolver()
class ProductsResolver {
  @Query(() => Product, { nullable: true })
  product(@Arg("id", () => ID) id: string): ProductData | null {
    return products.find((product) => product.id === id) ?? null;
  }

  @Query(() => DeprecatedProduct, { nullable: true, deprecationReason: "Use product query instead" })
  deprecatedProduct(
    @Arg("sku", () => String) sku: string,
    @Arg("package", () => String) name: string,
  ): Promise<DeprecatedProductData | null> {
    return deprecatedProductByReference({ sku, package: name });
  }
}

/**
 * The `products` schema of Apollo's subgraph compatibility specification
 * (github.com/apollographql/apollo-federation-subgraph-compatibility, COMPATIBILITY.md), with every federation feature.
 */
export async function productsSchema(): Promise<GraphQLSchema> {
  const { schema } = await buildSubgraph({
    resolvers: [ProductsResolver, UserResolver],
    orphanedTypes: [Inventory],
    descriptions: {},
    directives: [
      ...["@key", "@shareable", "@provides", "@requires", "@external", "@tag", "@extends", "@override"],
      ...["@inaccessible", "@composeDirective", "@interfaceObject"],
    ],
    composed: [
      {
        url: "https://myspecs.dev/myCustomDirective/v1.0",
        directive: new GraphQLDirective({ name: "custom", locations: [DirectiveLocation.OBJECT] }),
      },
    ],
    references: {
      Product: productByReference,
      ProductResearch: researchByReference,
      DeprecatedProduct: deprecatedProductByReference,
      User: userByReference,
      Inventory: inventoryByReference,
    },
  });
  return schema;
}
