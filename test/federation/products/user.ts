import { Directive, Field, FieldResolver, ID, Int, ObjectType, Resolver, Root } from "type-graphql";
import type { Reference } from "../../../src/graphql/subgraph.js";
import { user, type UserData } from "./data.js";

@ObjectType({ simpleResolvers: true })
@Directive("@extends")
@Directive('@key(fields: "email")')
export abstract class User implements UserData {
  @Field(() => Int, { nullable: true })
  @Directive('@requires(fields: "totalProductsCreated yearsOfEmployment")')
  abstract readonly averageProductsCreatedPerYear: number | null;

  @Field(() => ID)
  @Directive("@external")
  abstract readonly email: string;

  @Field(() => String, { nullable: true })
  @Directive('@override(from: "users")')
  abstract readonly name: string;

  @Field(() => Int, { nullable: true })
  @Directive("@external")
  abstract readonly totalProductsCreated: number | null;

  @Field(() => Int)
  @Directive("@external")
  abstract readonly yearsOfEmployment: number;
}

@Resolver(() => User)
export class UserResolver {
  @FieldResolver()
  averageProductsCreatedPerYear(@Root() { totalProductsCreated, yearsOfEmployment }: UserData): number | null {
    return totalProductsCreated === null ? null : Math.round(totalProductsCreated / yearsOfEmployment);
  }
}

/** Ours is the name; what we require of another subgraph comes with the reference. */
export async function userByReference(reference: Reference): Promise<object | null> {
  return reference["email"] === user.email ? { ...user, ...reference } : null;
}
