import { buildSubgraphSchema } from "@apollo/subgraph";
import { forEachDefaultValue, parseInputValue, printSchemaWithDirectives } from "@graphql-tools/utils";
import { isAbstractType, isObjectType, isUnionType, Kind, parse, visit } from "graphql";
import type { DocumentNode, GraphQLDirective, GraphQLSchema } from "graphql";
import { buildSchema, createResolversMap, type BuildSchemaOptions } from "type-graphql";
import { badInput } from "../audit/errors.js";
import { nameOf } from "../core/problem.js";

/** An entity as a router sends it: its type and the fields of one of its keys. Whatever a client made of it. */
export interface Reference {
  readonly [key: string]: unknown;
}

/** Fetches an entity; null if there is none. It must reject, not throw, or it takes the others of the request with it. */
export type ReferenceResolver<C> = (reference: Reference, context: C) => Promise<unknown>;

/** A directive of one's own that composition keeps in the supergraph (`@composeDirective`). */
export interface ComposedDirective {
  /** Where it is specified, with its version: `https://specs.example/owner/v1.0`. */
  readonly url: string;
  readonly directive: GraphQLDirective;
}

export interface SubgraphOptions<C> {
  readonly resolvers: BuildSchemaOptions["resolvers"];
  /** Entities that no root field leads to: only references do. */
  readonly orphanedTypes?: NonNullable<BuildSchemaOptions["orphanedTypes"]>;
  /** By type name, for the types that have no class to carry a description. */
  readonly descriptions: Readonly<Record<string, string>>;
  /** The federation directives that the types use, imported by name: `@key`. */
  readonly directives: readonly string[];
  readonly composed?: readonly ComposedDirective[];
  /** By entity type name. */
  readonly references: Readonly<Record<string, ReferenceResolver<C>>>;
}

/** The two libraries describe the same map of resolvers by different types. */
type SubgraphResolvers = NonNullable<
  Extract<Parameters<typeof buildSubgraphSchema>[0], { typeDefs: unknown }>["resolvers"]
>;

/** Later than this, and composition by others than Apollo's own tools fails. */
const FEDERATION = "https://specs.apollo.dev/federation/v2.7";

/**
 * A federation subgraph schema from type-graphql resolvers. type-graphql knows nothing of federation's own types, so
 * its schema is printed with its directives and put together again with the same resolvers.
 */
export async function buildSubgraph<C>(options: SubgraphOptions<C>): Promise<GraphQLSchema> {
  const schema = await buildSchema({
    resolvers: options.resolvers,
    orphanedTypes: options.orphanedTypes ?? [],
    directives: (options.composed ?? []).map(({ directive }) => directive),
    skipCheck: true,
    validate: false,
    pubSub,
  });
  const resolvers: Record<string, object> = { ...createResolversMap(schema) };
  for (const [name, type] of Object.entries(schema.getTypeMap())) {
    if (isAbstractType(type)) resolvers[name] = { ...resolvers[name], __resolveType: ownTypename };
  }
  for (const [type, resolve] of Object.entries(options.references)) {
    resolvers[type] = { ...resolvers[type], __resolveReference: resolve };
  }
  const typeDefs = parse(`${links(options)}\n${printSchemaWithDirectives(schema)}`);
  const subgraph = buildSubgraphSchema({
    typeDefs: described(typeDefs, options.descriptions),
    resolvers: resolvers as SubgraphResolvers,
  });
  // Defaults were read before the enums got their values, so they still hold the enums' names.
  forEachDefaultValue(subgraph, parseInputValue);
  priced(subgraph, schema);
  refuseStrangers(subgraph);
  return subgraph;
}

/** What stands beside a field for CostMeasure is lost in print. */
function priced(subgraph: GraphQLSchema, from: GraphQLSchema): void {
  for (const type of Object.values(from.getTypeMap()).filter(isObjectType)) {
    const target = subgraph.getType(type.name);
    if (!isObjectType(target)) continue;
    for (const { name, extensions } of Object.values(type.getFields())) {
      const field = target.getFields()[name];
      if (field !== undefined) field.extensions = { ...field.extensions, ...extensions };
    }
  }
}

/** Who asks for a type that is no entity has made a mistake; Apollo's own resolver fails, for all that is asked beside it. */
function refuseStrangers(subgraph: GraphQLSchema): void {
  const entities = subgraph.getQueryType()?.getFields()["_entities"];
  const union = subgraph.getType("_Entity");
  const resolve = entities?.resolve;
  if (entities === undefined || resolve === undefined || !isUnionType(union)) return;
  const names = union.getTypes().map(({ name }) => name);
  entities.resolve = (...[source, args, ...rest]) => {
    const { representations } = args as { readonly representations: readonly Reference[] };
    return representations.flatMap((reference) =>
      names.some((name) => name === reference["__typename"])
        ? resolve(source, { representations: [reference] }, ...rest)
        : [stranger(reference, names)],
    );
  };
}

/** As a value, which GraphQL reports in the place of the entity. */
function stranger({ __typename: type }: Reference, names: readonly string[]): Error {
  const got = typeof type === "string" ? JSON.stringify(type.slice(0, 80)) : nameOf(type);
  return badInput([{ path: "representations.__typename", expected: `one of ${names.join(", ")}`, got }]);
}

/** type-graphql builds no subscription without one; ours follow the log itself, and need no messages. */
const pubSub: NonNullable<BuildSchemaOptions["pubSub"]> = { publish: noMessages, subscribe: noMessages };

function noMessages(): never {
  throw new Error("subscriptions have their own source of events");
}

/** In place of type-graphql's, which answers a promise: compiled execution cannot wait for a type. */
const ownTypename = (value: { readonly __typename: string }): string => value.__typename;

/** What a composition reads first: where the directives of this schema are specified. */
function links({ directives, composed = [] }: Pick<SubgraphOptions<never>, "directives" | "composed">): string {
  return [
    `extend schema @link(url: "${FEDERATION}", import: ${JSON.stringify(directives)})`,
    ...composed.flatMap(({ url, directive: { name } }) => [
      `@link(url: "${url}", import: ["@${name}"])`,
      `@composeDirective(name: "@${name}")`,
    ]),
  ].join(" ");
}

function described(typeDefs: DocumentNode, descriptions: Readonly<Record<string, string>>): DocumentNode {
  return visit(typeDefs, {
    ObjectTypeDefinition(node) {
      const value = descriptions[node.name.value];
      return value === undefined ? undefined : { ...node, description: { kind: Kind.STRING, value } };
    },
  });
}
