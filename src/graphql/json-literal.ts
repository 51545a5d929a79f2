import {
  GraphQLError,
  Kind,
  type FloatValueNode,
  type IntValueNode,
  type ObjectValueNode,
  type ValueNode,
} from "graphql";
import type { Json, JsonObject } from "../core/json.js";
import { isExactNumber } from "../core/lossless-json.js";

/**
 * The JSON value of a literal in a GraphQL document. Throws a GraphQLError on a number that a double cannot hold
 * exactly, and on a variable inside the value: compiled execution would read it as null, and a log must not record less
 * than was sent. Duplicate keys are refused earlier, by GraphQL's own validation.
 */
export function jsonLiteral(node: ValueNode): Json {
  switch (node.kind) {
    case Kind.OBJECT:
      return objectLiteral(node);
    case Kind.LIST:
      return node.values.map(jsonLiteral);
    case Kind.INT:
    case Kind.FLOAT:
      return numberLiteral(node);
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.VARIABLE:
      throw refused(node, `a variable for the whole value, not $${node.name.value} inside it`);
    case Kind.ENUM:
      throw refused(node, `text in quotes, got ${node.value}`);
  }
}

function refused(nodes: ValueNode, expected: string): GraphQLError {
  return new GraphQLError(`AuditEventValue expects ${expected}`, { nodes });
}

function objectLiteral({ fields }: ObjectValueNode): JsonObject {
  return Object.fromEntries(fields.map(({ name, value }) => [name.value, jsonLiteral(value)]));
}

function numberLiteral(node: IntValueNode | FloatValueNode): number {
  if (isExactNumber(node.value)) return Number(node.value);
  throw refused(node, `a number that a double (IEEE 754 binary64) holds exactly, got ${node.value.slice(0, 64)}`);
}
