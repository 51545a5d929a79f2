import {
  coerceInputValue,
  getNullableType,
  GraphQLBoolean,
  GraphQLError,
  GraphQLFloat,
  GraphQLInt,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  typeFromAST,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { isPlainObject } from "../core/problem.js";
import type { Variables } from "./cost.js";
import { withoutSuggestion } from "./introspection.js";

/** Variables of so short a body are left to graphql-js, which says more of each, and cannot take long over them. */
export const SHORT_VARIABLES_BYTES = 16 * 1_024;
/** So many show the kind of mistake. */
const MAX_FAULTS = 10;

/**
 * Refuses variables that do not fit their types, without a word of what they hold: graphql-js shows the whole of an object in
 * each of its messages, up to fifty times. The operation must be valid. Throws a GraphQLError, BAD_USER_INPUT.
 */
export function requireFitting(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Variables): void {
  const faults: string[] = [];
  for (const { variable, type: typeNode } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode);
    if (!isInputType(type) || !Object.hasOwn(variables, name)) continue;
    if (hasLongName(variables[name], type))
      throw refused([
        `Variable "$${name}" has a value of more than ${MAX_NAME_CHARACTERS} characters where an enum, a number or a boolean is expected.`,
      ]);
    coerceInputValue(variables[name], type, (path, _value, { message }) => {
      faults.push(
        `Variable "$${name}" got an invalid value at ${shownPath([name, ...path])}: ${withoutSuggestion(message)}`,
      );
      if (faults.length === MAX_FAULTS) throw refused(faults);
    });
  }
  if (faults.length > 0) throw refused(faults);
}

/** The maximum characters of a text for what is no text: each would be quoted, and compared with the names of its enum. */
const MAX_NAME_CHARACTERS = 256;

function hasLongName(value: unknown, type: GraphQLInputType): boolean {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return [value].flat().some((item) => hasLongName(item, nullable.ofType));
  if (typeof value === "string") return value.length > MAX_NAME_CHARACTERS && takesNoText(nullable);
  if (!isInputObjectType(nullable) || !isPlainObject(value)) return false;
  return Object.values(nullable.getFields()).some(
    (field) => Object.hasOwn(value, field.name) && hasLongName(value[field.name], field.type),
  );
}

function takesNoText(type: GraphQLInputType): boolean {
  return isEnumType(type) || type === GraphQLInt || type === GraphQLFloat || type === GraphQLBoolean;
}

function refused(faults: readonly string[]): GraphQLError {
  return new GraphQLError(faults.join(" "), { extensions: { code: "BAD_USER_INPUT", http: { status: 400 } } });
}

function shownPath(path: readonly (string | number)[]): string {
  return path
    .map((key, i) => (typeof key === "number" ? `[${key}]` : `${i === 0 ? "" : "."}${key.slice(0, 64)}`))
    .join("");
}
