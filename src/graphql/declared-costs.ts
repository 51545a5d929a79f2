import {
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  Kind,
  parseConstValue,
  type ConstDirectiveNode,
  type DocumentNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLSchema,
} from "graphql";
import { DEFAULT_PAGE_SIZE } from "../audit/service.js";
import { PAGE_ARGUMENTS } from "./cost.js";

/**
 * A schema with what its fields cost, in the directives @cost and @listSize, so that a router can refuse what the subgraph would refuse
 * (https://specs.apollo.dev/cost/v0.1): `complexity` of a field's extensions as its weight, the arguments of a page as the
 * size of its lists, and `listSize` as that of a list without them.
 */
export function withCosts(document: DocumentNode, schema: GraphQLSchema): DocumentNode {
  return {
    ...document,
    definitions: document.definitions.map((definition) => {
      if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) return definition;
      const type = schema.getType(definition.name.value);
      const known = isObjectType(type) ? type.getFields() : {};
      const fields = (definition.fields ?? []).map((node) => {
        const field = known[node.name.value];
        return field === undefined ? node : { ...node, directives: [...(node.directives ?? []), ...costs(field)] };
      });
      return { ...definition, fields };
    }),
  };
}

type Field = GraphQLField<unknown, unknown>;

function costs(field: Field): readonly ConstDirectiveNode[] {
  const { complexity, listSize } = field.extensions;
  const weight = typeof complexity === "number" && complexity > 1 ? [directive("cost", { weight: complexity })] : [];
  if (typeof listSize === "number") return [...weight, directive("listSize", { assumedSize: listSize })];
  const paging = field.args.filter(({ name }) => PAGE_ARGUMENTS.has(name));
  return paging.length > 0 ? [...weight, directive("listSize", pageSizes(field, paging))] : weight;
}

function pageSizes({ type }: Field, paging: readonly GraphQLArgument[]): object {
  const page = getNamedType(type);
  const fields = Object.values(isObjectType(page) ? page.getFields() : {});
  const lists = fields.filter((inner) => isListType(getNullableType(inner.type)));
  const hasDefault = paging.some(({ defaultValue }) => typeof defaultValue === "number");
  return {
    ...(hasDefault ? {} : { assumedSize: DEFAULT_PAGE_SIZE }), // Cosmo refuses both
    slicingArguments: paging.map(({ name }) => name),
    sizedFields: lists.map(({ name }) => name),
    requireOneSlicingArgument: false,
  };
}

function directive(name: string, values: object): ConstDirectiveNode {
  return {
    kind: Kind.DIRECTIVE,
    name: { kind: Kind.NAME, value: name },
    arguments: Object.entries(values).map(([argument, value]) => ({
      kind: Kind.ARGUMENT,
      name: { kind: Kind.NAME, value: argument },
      value: parseConstValue(JSON.stringify(value)),
    })),
  };
}
