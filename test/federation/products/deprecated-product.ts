import { Directive, Field, ID, ObjectType } from "type-graphql";
import { referenceId } from "../../../src/graphql/reference.js";
import type { Reference } from "../../../src/graphql/subgraph.js";
import { deprecatedProduct, type DeprecatedProductData } from "./data.js";
import { User } from "./user.js";

@ObjectType({ simpleResolvers: true })
@Directive('@key(fields: "sku package")')
export abstract class DeprecatedProduct implements DeprecatedProductData {
  @Field(() => String)
  abstract readonly sku: string;

  @Field(() => String)
  abstract readonly package: string;

  @Field(() => String, { nullable: true })
  abstract readonly reason: string;

  @Field(() => User, { nullable: true })
  abstract readonly createdBy: DeprecatedProductData["createdBy"];
}

interface InventoryData {
  readonly id: string;
  readonly deprecatedProducts: readonly DeprecatedProductData[];
}

/** An interface of the inventory subgraph: all that we know of any warehouse is its id. */
@ObjectType({ simpleResolvers: true })
@Directive("@interfaceObject")
@Directive('@key(fields: "id")')
export abstract class Inventory implements InventoryData {
  @Field(() => ID)
  abstract readonly id: string;

  @Field(() => [DeprecatedProduct])
  abstract readonly deprecatedProducts: readonly DeprecatedProductData[];
}

export async function deprecatedProductByReference(reference: Reference): Promise<DeprecatedProductData | null> {
  const { sku, package: name } = deprecatedProduct;
  return reference["sku"] === sku && reference["package"] === name ? deprecatedProduct : null;
}

export async function inventoryByReference(reference: Reference): Promise<InventoryData> {
  return { id: referenceId(reference), deprecatedProducts: [deprecatedProduct] };
}
