import {
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from "graphql";
import { AuditError } from "../audit/errors.js";
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from "../audit/service.js";
import { refusal } from "./errors.js";
import { LIMITS } from "./limits.js";

/** A request's variables, not yet coerced. */
export type Variables = Readonly<Record<string, unknown>>;

/** The maximum cost of an operation: its fields, each times the page sizes around it. */
type Cost = (variables: Variables, known: Map<string, number>) => number;

export const PAGE_ARGUMENTS: ReadonlySet<string> = new Set(["first", "last", "limit", "buckets"]);
/** Lists that the client sends: one result per item. */
export const LIST_ARGUMENTS: ReadonlySet<string> = new Set(["ids", "representations", "events"]);
/** A representation is looked up, and possibly refused, before any of its fields is resolved. */
const REPRESENTATION = 10;
/** Lists of the introspection schema, counted as usual here and more: each of their values takes longer than others. */
const SCHEMA_LISTS: ReadonlyMap<string, number> = new Map([
  ["__Schema.types", 60],
  ["__Schema.directives", 20],
  ["__Directive.args", 4],
  ["__Type.fields", 8],
  ["__Type.inputFields", 8],
  ["__Type.enumValues", 8],
  ["__Type.interfaces", 2],
  ["__Type.possibleTypes", 4],
  ["__Field.args", 4],
]);
/** Fields that every schema has and no type defines. */
const META_FIELDS: ReadonlyMap<string, GraphQLField<unknown, unknown>> = new Map([
  ["__schema", SchemaMetaFieldDef],
  ["__type", TypeMetaFieldDef],
]);
/** Measures operations of one schema. Each is read once; later requests only evaluate its page sizes. */
export class CostMeasure {
  readonly #costs = new WeakMap<OperationDefinitionNode, Cost>();

  constructor(private readonly schema: GraphQLSchema) {}

  /** The document must be valid: a cycle of fragments would not end. */
  cost(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): number {
    const cost = this.#costs.get(operation) ?? new OperationReader(this.schema, document).read(operation);
    this.#costs.set(operation, cost);
    return cost(variables, new Map());
  }
}

/** Throws BAD_USER_INPUT, as a GraphQL error, for an operation whose response could cost more than LIMITS.cost. */
export function requireCost(cost: number): void {
  if (cost <= LIMITS.cost) return;
  const message =
    `The operation costs up to ${cost}, but the limit is ${LIMITS.cost}: ` +
    "ask for smaller pages, fewer fields, fewer proofs or fewer trails.";
  throw refusal(new AuditError("BAD_USER_INPUT", message));
}

/** Compiles the selections of one operation into a function of its variables. */
class OperationReader {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #costs = new Map<string, Cost>();

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
  ) {
    const fragments = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
    this.#fragments = new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
  }

  read({ operation, selectionSet, variableDefinitions = [] }: OperationDefinitionNode): Cost {
    const defaults = variableDefinitions.map((d) => [d.variable.name.value, literal(d.defaultValue)] as const);
    const cost = this.#selections(this.schema.getRootType(operation)?.name ?? "", selectionSet);
    // Only what is declared is looked up: a client may send any number of variables.
    return (variables, known) => cost(withDefaults(defaults, variables), known);
  }

  #selections(type: string, { selections }: SelectionSetNode): Cost {
    const costs = selections.map((selection) => this.#selection(type, selection));
    return (variables, known) => costs.reduce((sum, cost) => sum + cost(variables, known), 0);
  }

  #selection(type: string, selection: SelectionNode): Cost {
    switch (selection.kind) {
      case Kind.FIELD:
        return this.#field(type, selection);
      case Kind.INLINE_FRAGMENT:
        return this.#selections(selection.typeCondition?.name.value ?? type, selection.selectionSet);
      case Kind.FRAGMENT_SPREAD:
        return this.#fragment(selection.name.value);
    }
  }

  /** Counted once per set of variables, though fragments may spread each other many times. */
  #fragment(name: string): Cost {
    const read = this.#costs.get(name);
    const fragment = this.#fragments.get(name);
    if (read !== undefined || fragment === undefined) return read ?? (() => 0);
    const cost = this.#selections(fragment.typeCondition.name.value, fragment.selectionSet);
    const once: Cost = (variables, known) => {
      const sum = known.get(name) ?? cost(variables, known);
      known.set(name, sum);
      return sum;
    };
    this.#costs.set(name, once);
    return once;
  }

  #field(type: string, node: FieldNode): Cost {
    const field = this.#definition(type, node.name.value);
    const weight = numberIn(field, "complexity") ?? 1;
    if (node.selectionSet === undefined) return () => weight;
    const inner = this.#selections(field ? getNamedType(field.type).name : "", node.selectionSet);
    const listed = SCHEMA_LISTS.get(`${type}.${node.name.value}`);
    const size = listed === undefined ? pageSize(node, field) : () => listed;
    const each = node.name.value === "_entities" ? REPRESENTATION : 0;
    return (variables, known) => weight + size(variables) * (each + inner(variables, known));
  }

  #definition(type: string, name: string): GraphQLField<unknown, unknown> | undefined {
    const parent = this.schema.getType(type);
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
    return field ?? META_FIELDS.get(name);
  }
}

type Defaults = readonly (readonly [name: string, value: unknown])[];

function withDefaults(defaults: Defaults, variables: Variables): Variables {
  const given = defaults.map(
    ([name, value]) => [name, Object.hasOwn(variables, name) ? variables[name] : value] as const,
  );
  return Object.fromEntries(given);
}

function pageSize(
  node: FieldNode,
  field: GraphQLField<unknown, unknown> | undefined,
): (variables: Variables) => number {
  const assumed = numberIn(field, "assumedSize");
  if (assumed !== undefined) return () => assumed;
  const paging = field?.args.filter(({ name }) => PAGE_ARGUMENTS.has(name)) ?? [];
  const isPaged = paging.length > 0;
  const unasked = paging.map(({ defaultValue }) => defaultValue).find((size) => typeof size === "number");
  const pages = valuesOf(node, PAGE_ARGUMENTS);
  const lists = valuesOf(node, LIST_ARGUMENTS);
  if (!isPaged && lists.length === 0) return () => 1;
  return (variables) => {
    const asked = pages.map((value) => value(variables)).filter((size) => typeof size === "number");
    const given = lists.map((value) => value(variables)).map((items) => (Array.isArray(items) ? items.length : 1));
    // Counting without showing, as with a page size of 0, is work too.
    const page = asked.length > 0 ? Math.min(Math.max(...asked, 1), MAX_PAGE_SIZE) : (unasked ?? DEFAULT_PAGE_SIZE);
    return Math.max(isPaged ? page : 1, ...given);
  };
}

/**
 * Reads a field's `complexity` or `assumedSize`. `complexity` is the extra work of the service for a field, in values
 * of about 5 µs each, counted again for each alias; `assumedSize` is the maximum length of a list whose length no
 * argument gives.
 */
function numberIn(
  field: GraphQLField<unknown, unknown> | undefined,
  name: "complexity" | "assumedSize",
): number | undefined {
  const value = field?.extensions[name];
  return typeof value === "number" ? value : undefined;
}

type Value = (variables: Variables) => unknown;

function valuesOf({ arguments: given = [] }: FieldNode, names: ReadonlySet<string>): readonly Value[] {
  return given.filter(({ name }) => names.has(name.value)).map(({ value }) => valueOf(value));
}

function valueOf(node: ValueNode): Value {
  if (node.kind === Kind.VARIABLE) return (variables) => variables[node.name.value];
  const value = literal(node);
  return () => value;
}

/** The parts of a literal that can be a size: a number, or a list of that length. */
function literal(node: ValueNode | undefined): unknown {
  if (node?.kind === Kind.INT) return Number(node.value);
  return node?.kind === Kind.LIST ? node.values : undefined;
}
