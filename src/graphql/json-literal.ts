import { GraphQLError, Kind, type IntValueNode, type ObjectValueNode, type ValueNode } from "graphql";
import type { Json, JsonObject } from "../core/json.js";

/**
 * The JSON value of a literal in a GraphQL document. Throws a GraphQLError on an integer that a double does not hold, and
 * on a variable inside: compiled execution would read it as null, and a log must not take less than was sent. A key given
 * twice never comes here: GraphQL's own validation refuses it.
 */
export function jsonLiteral(node: ValueNode): Json {
  switch (node.kind) {
    case Kind.OBJECT:
      return objectLiteral(node);
    case Kind.LIST:
      return node.values.map(jsonLiteral);
    case Kind.INT:
      return integerLiteral(node);
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.VARIABLE:
      throw refused(node, `a variable for the whole value, not $${node.name.value} inside of it`);
    case Kind.ENUM:
      throw refused(node, `text in quotes, got ${node.value}`);
  }
}

function refused(nodes: ValueNode, expected: string): GraphQLError {
  return new GraphQLError(`JSON expects ${expected}`, { nodes });
}

function objectLiteral({ fields }: ObjectValueNode): JsonObject {
  return Object.fromEntries(fields.map(({ name, value }) => [name.value, jsonLiteral(value)]));
}

function integerLiteral(node: IntValueNode): number {
  const value = Number(node.value);
  if (Number.isSafeInteger(value)) return value;
  throw refused(node, `integers between −2^53 + 1 and 2^53 − 1, got ${node.value}`);
}
