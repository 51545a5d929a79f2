import { buildSubgraphSchema } from "@apollo/subgraph";
import { forEachDefaultValue, parseInputValue, printSchemaWithDirectives } from "@graphql-tools/utils";
import { isAbstractType, Kind, parse, visit, type DocumentNode, type GraphQLSchema } from "graphql";
import { buildSchema, createResolversMap, type BuildSchemaOptions } from "type-graphql";

/** Fetches an entity of the supergraph by the key fields that a router sends. */
export type ReferenceResolver<C> = (reference: { readonly [key: string]: unknown }, context: C) => Promise<unknown>;

export interface SubgraphOptions<C> {
  readonly resolvers: BuildSchemaOptions["resolvers"];
  /** By type name, for the types that have no class to carry a description. */
  readonly descriptions: Readonly<Record<string, string>>;
  /** The federation directives that the types use, imported by name: `@key`. */
  readonly directives: readonly string[];
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
  const schema = await buildSchema({ resolvers: options.resolvers, skipCheck: true, validate: false });
  const link = `extend schema @link(url: "${FEDERATION}", import: ${JSON.stringify(options.directives)})`;
  const resolvers: Record<string, object> = { ...createResolversMap(schema) };
  for (const [name, type] of Object.entries(schema.getTypeMap())) {
    if (isAbstractType(type)) resolvers[name] = { ...resolvers[name], __resolveType: ownTypename };
  }
  for (const [type, resolve] of Object.entries(options.references)) {
    resolvers[type] = { ...resolvers[type], __resolveReference: resolve };
  }
  const typeDefs = parse(`${link}\n${printSchemaWithDirectives(schema)}`);
  const subgraph = buildSubgraphSchema({
    typeDefs: described(typeDefs, options.descriptions),
    resolvers: resolvers as SubgraphResolvers,
  });
  // Defaults were read before the enums got their values, so they still hold the enums' names.
  forEachDefaultValue(subgraph, parseInputValue);
  return subgraph;
}

/** In place of type-graphql's, which answers a promise: compiled execution cannot wait for a type. */
const ownTypename = (value: { readonly __typename: string }): string => value.__typename;

function described(typeDefs: DocumentNode, descriptions: Readonly<Record<string, string>>): DocumentNode {
  return visit(typeDefs, {
    ObjectTypeDefinition(node) {
      const value = descriptions[node.name.value];
      return value === undefined ? undefined : { ...node, description: { kind: Kind.STRING, value } };
    },
  });
}
