import { getDocumentNodeFromSchema } from "@graphql-tools/utils";
import {
  extendSchema,
  isAbstractType,
  Kind,
  parse,
  print,
  specifiedDirectives,
  type GraphQLDirective,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLNamedType,
  type GraphQLSchema,
} from "graphql";
import { buildSchema, type BuildSchemaOptions } from "type-graphql";
import { badInput } from "../audit/errors.js";
import { nameOf } from "../core/json.js";
import { withCosts } from "./declared-costs.js";
import { addPrefixed, withPrefix } from "./root-names.js";

/**
 * An entity as a router sends it: its type and the fields of one of its keys, which a client may have chosen freely.
 */
export interface Reference {
  readonly [key: string]: unknown;
}

/** Fetches an entity, a plain object or one that names its `__typename`; null if there is none. */
export type ReferenceResolver<C> = (reference: Reference, context: C) => Promise<object | null>;

/** A custom directive that composition keeps in the supergraph (`@composeDirective`). */
export interface ComposedDirective {
  /** The URL of its specification, with its version: `https://specs.example/owner/v1.0`. */
  readonly url: string;
  readonly directive: GraphQLDirective;
}

export interface SubgraphOptions<C> {
  readonly resolvers: BuildSchemaOptions["resolvers"];
  /** Entities that no root field returns, only references. */
  readonly orphanedTypes?: NonNullable<BuildSchemaOptions["orphanedTypes"]>;
  /** By type name, for types without a class that could have a description. */
  readonly descriptions: Readonly<Record<string, string>>;
  /** The federation directives that the types use, imported by name: `@key`. */
  readonly directives: readonly string[];
  readonly composed?: readonly ComposedDirective[];
  /** Begins the names of root fields in the text; the schema has them under both names. */
  readonly prefix?: string | undefined;
  /** By entity type name. */
  readonly references: Readonly<Record<string, ReferenceResolver<C>>>;
}

/** A schema that a router can ask for entities, and the text of it that is composed into a supergraph. */
export interface Subgraph {
  readonly schema: GraphQLSchema;
  /** Printed on first use: a gateway that no router asks starts without it. */
  readonly text: () => string;
  /** Without the fields and types for routers. */
  readonly api: GraphQLSchema;
}

/** The first version with @cost and @listSize; the composition of Apollo, Hive and Cosmo supports it. */
const FEDERATION = "https://specs.apollo.dev/federation/v2.9";

/**
 * A federation subgraph from type-graphql resolvers: their schema, with the two fields that a router asks
 * (https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec).
 */
export async function buildSubgraph<C>(options: SubgraphOptions<C>): Promise<Subgraph> {
  const own = await buildSchema({
    resolvers: options.resolvers,
    orphanedTypes: options.orphanedTypes ?? [],
    directives: [...specifiedDirectives, ...(options.composed ?? []).map(({ directive }) => directive)],
    skipCheck: true,
    validate: false,
    pubSub,
  });
  for (const [name, description] of Object.entries(options.descriptions)) describe(own.getType(name), description);
  const { prefix } = options;
  let printed: string | undefined;
  const text = (): string => (printed ??= subgraphText(options, own));
  if (prefix !== undefined) {
    printed = withPrefix(text(), prefix); // before the schema has its fields under both names
    addPrefixed(own, prefix);
  }
  const schema = extendSchema(own, parse(routerFields(Object.keys(options.references))));
  for (const type of Object.values(schema.getTypeMap())) if (isAbstractType(type)) type.resolveType = ownTypename;
  setResolver(schema, "_service", () => ({ sdl: text() }));
  setResolver(schema, "_entities", (_source, { representations }, context: C) =>
    representations.map((reference) => entity(reference, context, options.references)),
  );
  return { schema, text, api: own };
}

function routerFields(entities: readonly string[]): string {
  return `
    scalar _Any
    union _Entity = ${entities.join(" | ")}
    type _Service { sdl: String! }
    extend type Query { _entities(representations: [_Any!]!): [_Entity]! _service: _Service! }`;
}

interface RouterArguments {
  readonly representations: readonly Reference[];
}

function setResolver<C>(
  schema: GraphQLSchema,
  name: "_service" | "_entities",
  resolve: GraphQLFieldResolver<unknown, C, RouterArguments>,
): void {
  const field: GraphQLField<unknown, C> | undefined = schema.getQueryType()?.getFields()[name];
  if (field !== undefined) field.resolve = resolve;
}

/** A representation of a type that is not an entity is the client's mistake, reported in place of the entity. */
async function entity<C>(
  reference: Reference,
  context: C,
  resolvers: SubgraphOptions<C>["references"],
): Promise<object | null> {
  const { __typename: type } = reference;
  const resolve = typeof type === "string" && Object.hasOwn(resolvers, type) ? resolvers[type] : undefined;
  if (resolve === undefined) throw stranger(type, Object.keys(resolvers));
  const found = await resolve(reference, context);
  return found === null || "__typename" in found ? found : { ...found, __typename: type };
}

function stranger(type: unknown, names: readonly string[]): Error {
  const got = typeof type === "string" ? JSON.stringify(type.slice(0, 80)) : nameOf(type);
  return badInput([{ path: "representations.__typename", expected: `one of ${names.join(", ")}`, got }]);
}

function describe(type: GraphQLNamedType | undefined, description: string): void {
  if (type !== undefined) type.description = description;
}

/** type-graphql builds no subscription without one; ours follow the log itself, and need no messages. */
const pubSub: NonNullable<BuildSchemaOptions["pubSub"]> = { publish: noMessages, subscribe: noMessages };

function noMessages(): never {
  throw new Error("subscriptions have their own source of events");
}

/** Replaces type-graphql's, which returns a promise: compiled execution cannot wait for a type. */
const ownTypename = (value: { readonly __typename: string }): string => value.__typename;

/** Without the schema definition, which would give the root types the names that they have by default. */
function subgraphText(options: Pick<SubgraphOptions<never>, "directives" | "composed">, own: GraphQLSchema): string {
  const { definitions: whole } = withCosts(getDocumentNodeFromSchema(own), own);
  const types = whole.filter(({ kind }) => kind !== Kind.SCHEMA_DEFINITION);
  const definitions = [...parse(links(options)).definitions, ...types];
  return `${print({ kind: Kind.DOCUMENT, definitions })}\n`;
}

/** The first thing that composition reads: where the directives of this schema are specified. */
function links({ directives, composed = [] }: Pick<SubgraphOptions<never>, "directives" | "composed">): string {
  return [
    `extend schema @link(url: "${FEDERATION}", import: ${JSON.stringify(directives)})`,
    ...composed.flatMap(({ url, directive: { name } }) => [
      `@link(url: "${url}", import: ["@${name}"])`,
      `@composeDirective(name: "@${name}")`,
    ]),
  ].join(" ");
}
