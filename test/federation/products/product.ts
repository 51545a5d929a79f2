import { Directive, Field, Float, ID, ObjectType } from "type-graphql";
import type { Reference } from "../../../src/graphql/subgraph.js";
import { products, research, type ProductData, type ResearchData } from "./data.js";
import { User } from "./user.js";

@ObjectType({ simpleResolvers: true })
abstract class ProductVariation {
  @Field(() => ID)
  abstract readonly id: string;
}

@ObjectType({ simpleResolvers: true })
abstract class CaseStudy {
  @Field(() => ID)
  abstract readonly caseNumber: string;

  @Field(() => String, { nullable: true })
  abstract readonly description: string | null;
}

@ObjectType({ simpleResolvers: true })
@Directive('@key(fields: "study { caseNumber }")')
abstract class ProductResearch implements ResearchData {
  @Field(() => CaseStudy)
  abstract readonly study: ResearchData["study"];

  @Field(() => String, { nullable: true })
  abstract readonly outcome: string | null;
}

@ObjectType({ simpleResolvers: true })
@Directive("@shareable")
abstract class ProductDimension {
  @Field(() => String, { nullable: true })
  abstract readonly size: string | null;

  @Field(() => Float, { nullable: true })
  abstract readonly weight: number | null;

  @Field(() => String, { nullable: true })
  @Directive("@inaccessible")
  abstract readonly unit: string | null;
}

@ObjectType({ simpleResolvers: true })
@Directive("@custom")
@Directive('@key(fields: "id")')
@Directive('@key(fields: "sku package")')
@Directive('@key(fields: "sku variation { id }")')
export abstract class Product implements ProductData {
  @Field(() => ID)
  abstract readonly id: string;

  @Field(() => String, { nullable: true })
  abstract readonly sku: string;

  @Field(() => String, { nullable: true })
  abstract readonly package: string;

  @Field(() => ProductVariation, { nullable: true })
  abstract readonly variation: ProductData["variation"];

  @Field(() => ProductDimension, { nullable: true })
  abstract readonly dimensions: ProductData["dimensions"];

  @Field(() => User, { nullable: true })
  @Directive('@provides(fields: "totalProductsCreated")')
  abstract readonly createdBy: ProductData["createdBy"];

  @Field(() => String, { nullable: true })
  @Directive('@tag(name: "internal")')
  abstract readonly notes: string | null;

  @Field(() => [ProductResearch])
  abstract readonly research: readonly ResearchData[];
}

/** By whichever of its three keys the router knows it. */
export async function productByReference(reference: Reference): Promise<ProductData | null> {
  const { id, sku, package: name, variation } = reference;
  const matches = (product: ProductData): boolean => {
    if (id !== undefined) return product.id === id;
    return product.sku === sku && (product.package === name || product.variation.id === memberOf(variation, "id"));
  };
  return products.find(matches) ?? null;
}

export async function researchByReference({ study }: Reference): Promise<ResearchData | null> {
  return research.find(({ study: { caseNumber } }) => caseNumber === memberOf(study, "caseNumber")) ?? null;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
