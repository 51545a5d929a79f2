import {
  GraphQLError,
  Kind,
  valueFromASTUntyped,
  type IntValueNode,
  type ObjectValueNode,
  type ValueNode,
} from "graphql";
import type { Json, JsonObject } from "../core/json.js";

type Variables = Record<string, unknown> | null | undefined;

/**
 * The JSON value of a literal in a GraphQL document. Throws a GraphQLError on an integer that a double does not hold.
 * A key given twice never comes here: GraphQL's own validation refuses it.
 */
export function jsonLiteral(node: ValueNode, variables?: Variables): Json {
  switch (node.kind) {
    case Kind.OBJECT:
      return objectLiteral(node, variables);
    case Kind.LIST:
      return node.values.map((item) => jsonLiteral(item, variables));
    case Kind.INT:
      return integerLiteral(node);
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.VARIABLE:
      return variableValue(node, variables);
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.ENUM:
      throw new GraphQLError(`JSON has no bare word ${node.value}: put text in quotes`, { nodes: node });
    case Kind.NULL:
      return null;
  }
}

function objectLiteral({ fields }: ObjectValueNode, variables: Variables): JsonObject {
  return Object.fromEntries(fields.map(({ name, value }) => [name.value, jsonLiteral(value, variables)]));
}

function integerLiteral(node: IntValueNode): number {
  const value = Number(node.value);
  if (Number.isSafeInteger(value)) return value;
  throw new GraphQLError(`JSON expects integers between −2^53 + 1 and 2^53 − 1, got ${node.value}`, { nodes: node });
}

/** A variable inside an object literal was parsed as JSON by the transport. */
function variableValue(node: ValueNode, variables: Variables): Json {
  return (valueFromASTUntyped(node, variables) ?? null) as Json;
}
