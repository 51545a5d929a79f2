import { HeaderMap, type GraphQLRequestListener, type GraphQLResponse } from "@apollo/server";
import {
  isNonNullType,
  Kind,
  OperationTypeNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
} from "graphql";
import { compileQuery, isCompiledQuery, type CompiledQuery } from "graphql-jit";
import type { AuditContext } from "./context.js";
import { formattedError, type FormatError } from "./errors.js";

/** Compiling costs as much as validating, so an operation that is sent once is not compiled. */
export const COMPILE_AT_HIT = 2;

export interface CompiledExecutionOptions {
  /** A separate instance: what Apollo wraps around the resolvers of a traced request must not reach it. */
  readonly schema: GraphQLSchema;
  /** Apollo formats errors only for its own execution. */
  readonly formatError: FormatError;
  /** The request of an operation that triggers compiling, counted from 1. */
  readonly compileAtHit: number;
}

/** An operation's compiled form. */
interface Compiled {
  readonly query: CompiledQuery;
  /** See looseVariables. */
  readonly loose: readonly LooseVariable[];
}

interface Operation {
  hits: number;
  /** Undefined until compiled, null when it cannot be. */
  compiled: Compiled | null | undefined;
}

/** Compiled operations, kept as long as the server keeps their parsed documents. */
class CompiledOperations {
  readonly #documents = new WeakMap<DocumentNode, Map<string, Operation>>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly compileAtHit: number,
  ) {}

  /** Counts a request of the operation and returns its compiled form once there have been enough. */
  hit(document: DocumentNode, operationName: string): Compiled | undefined {
    const operation = this.#operation(document, operationName);
    operation.hits += 1;
    if (operation.hits >= this.compileAtHit && operation.compiled === undefined) {
      operation.compiled = this.#compile(document, operationName);
    }
    return operation.compiled ?? undefined;
  }

  prepare(document: DocumentNode, operationName: string): void {
    if (this.compileAtHit < Infinity)
      this.#operation(document, operationName).compiled ??= this.#compile(document, operationName);
  }

  #operation(document: DocumentNode, name: string): Operation {
    const operations = this.#documents.get(document) ?? new Map<string, Operation>();
    this.#documents.set(document, operations);
    const operation = operations.get(name) ?? { hits: 0, compiled: undefined };
    operations.set(name, operation);
    return operation;
  }

  #compile(document: DocumentNode, operationName: string): Compiled | null {
    const query = compileQuery(this.schema, document, operationName, {
      disablingCapturingStackErrors: true,
      useExperimentalPathBasedSkipInclude: true,
    });
    return isCompiledQuery(query) ? { query, loose: looseVariables(this.schema, document) } : null;
  }
}

/** A nullable variable that is used in a non-null place. */
interface LooseVariable {
  readonly name: string;
  readonly isNullByDefault: boolean;
}

/**
 * The nullable variables of a valid document that are used in a non-null place because a default value applies there
 * (GraphQL, section 5.8.5). An explicit null is found when the field is executed, where the two ways of execution
 * differ.
 */
function looseVariables(schema: GraphQLSchema, document: DocumentNode): readonly LooseVariable[] {
  const nullable: LooseVariable[] = [];
  const inStrictPlaces = new Set<string>();
  const types = new TypeInfo(schema);
  const visitor = visitWithTypeInfo(types, {
    VariableDefinition({ variable, type, defaultValue }) {
      const isNullByDefault = defaultValue?.kind === Kind.NULL;
      if (type.kind !== Kind.NON_NULL_TYPE) nullable.push({ name: variable.name.value, isNullByDefault });
      return false;
    },
    Variable({ name }) {
      if (isNonNullType(types.getInputType())) inStrictPlaces.add(name.value);
    },
  });
  visit(document, visitor);
  return nullable.filter(({ name }) => inStrictPlaces.has(name));
}

/** Whether a variable is null in a place where null is not allowed. */
function hasLooseNull(loose: readonly LooseVariable[], variables: Readonly<Record<string, unknown>>): boolean {
  return loose.some(({ name, isNullByDefault }) => {
    const value = variables[name];
    return value === null || (value === undefined && isNullByDefault);
  });
}

/** Executes operations as compiled functions, several times faster than field by field. */
export class CompiledExecution {
  readonly #operations: CompiledOperations;
  readonly #formatError: FormatError;

  constructor(options: CompiledExecutionOptions) {
    this.#operations = new CompiledOperations(options.schema, options.compileAtHit);
    this.#formatError = options.formatError;
  }

  /** Compiles an operation before its first request. */
  prepare({ document, operationName }: Resolved): void {
    this.#operations.prepare(document, operationName ?? "");
  }

  /** The operation's response; null when Apollo has to execute it. */
  async respond(request: Resolved): Promise<GraphQLResponse | null> {
    if (needsFieldByField(request)) return null;
    const compiled = this.#operations.hit(request.document, request.operationName ?? "");
    const variables = request.request.variables ?? {};
    if (compiled === undefined || hasLooseNull(compiled.loose, variables)) return null;
    const result = await compiled.query.query(undefined, request.contextValue, variables);
    // Without data nothing ran: the variables did not coerce, which Apollo reports with its own codes.
    return result.data === undefined ? null : response(result, this.#formatError);
  }
}

type Resolved = Parameters<NonNullable<GraphQLRequestListener<AuditContext>["responseForOperation"]>>[0];

/**
 * Whether Apollo has to execute the request. Despite Apollo's types there is no operation when none has the requested
 * name; Apollo refuses that request itself.
 */
function needsFieldByField({ operation, request }: Partial<Resolved> & Pick<Resolved, "request">): boolean {
  return (
    operation === undefined ||
    operation.operation === OperationTypeNode.SUBSCRIPTION ||
    request.http?.headers.has("apollo-federation-include-trace") === true
  );
}

function response({ data = null, errors }: ExecutionResult, formatError: FormatError): GraphQLResponse {
  const singleResult =
    errors === undefined ? { data } : { data, errors: errors.map((e) => formattedError(e, formatError)) };
  return { http: { headers: new HeaderMap() }, body: { kind: "single", singleResult } };
}
