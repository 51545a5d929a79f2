import {
  coerceInputValue,
  getNullableType,
  GraphQLBoolean,
  GraphQLError,
  GraphQLFloat,
  GraphQLInt,
  GraphQLString,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  typeFromAST,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLLeafType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { isPlainObject } from "../core/json.js";
import type { Variables } from "./cost.js";
import { withoutSuggestion } from "./introspection.js";

/**
 * Variables in a body this short are left to graphql-js, which reports more about each and cannot take long over them.
 */
export const SHORT_VARIABLES_BYTES = 16 * 1_024;
/** The maximum number of errors: enough to show the kind of mistake. */
const MAX_FAULTS = 10;

/**
 * Refuses variables that do not fit their types, without quoting their content: graphql-js quotes the whole object in
 * each of its messages, up to fifty times. The operation must be valid. Throws a GraphQLError with BAD_USER_INPUT.
 */
export function requireFitting(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Variables): void {
  const faults: string[] = [];
  for (const { variable, type: typeNode } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode);
    if (!isInputType(type) || !Object.hasOwn(variables, name) || fits(variables[name], type)) continue;
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

type Fits = (value: unknown) => boolean;

const checks = new WeakMap<GraphQLInputType, Fits>();

/**
 * Whether a value certainly fits; `coerceInputValue` takes eight times as long over a bulk of events, for paths that
 * nobody reads.
 */
function fits(value: unknown, type: GraphQLInputType): boolean {
  let check = checks.get(type);
  if (check === undefined) {
    check = checkOf(type);
    checks.set(type, check);
  }
  return check(value);
}

function checkOf(type: GraphQLInputType): Fits {
  if (isNonNullType(type)) return (value) => value !== null && value !== undefined && fits(value, type.ofType);
  const check = isListType(type)
    ? listCheck(type.ofType)
    : isInputObjectType(type)
      ? objectCheck(type)
      : leafCheck(type);
  return (value) => value === null || value === undefined || check(value);
}

function listCheck(item: GraphQLInputType): Fits {
  return (value) => (Array.isArray(value) ? value.every((one) => fits(one, item)) : fits(value, item));
}

function objectCheck(type: GraphQLInputObjectType): Fits {
  if (type.isOneOf) return () => false;
  const fields = new Map(Object.entries(type.getFields()));
  const required = [...fields.values()].filter(isRequiredInputField);
  return (value) =>
    isPlainObject(value) &&
    required.every(({ name }) => value[name] !== undefined) &&
    Object.entries(value).every(([name, member]) => {
      const field = fields.get(name);
      return field !== undefined && fits(member, field.type);
    });
}

function leafCheck(type: GraphQLLeafType): Fits {
  if (type === GraphQLString) return (value) => typeof value === "string";
  return (value) => {
    if (typeof value === "string" && value.length > MAX_NAME_CHARACTERS && takesNoText(type)) return false;
    try {
      return type.parseValue(value) !== undefined;
    } catch {
      return false;
    }
  };
}

/**
 * The maximum characters of a text where another type is expected: each would be quoted, and compared with the names of
 * its enum.
 */
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
