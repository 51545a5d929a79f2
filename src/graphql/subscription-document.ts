import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { AuditError, badInput } from "../audit/errors.js";
import { CostMeasure, requireCost, type Variables } from "./cost.js";
import { refusal } from "./errors.js";
import { LIMITS, limitRules } from "./limits.js";
import type { DocumentParameters, TrustedDocuments } from "./trusted-documents.js";

/** An operation that is not executed, for these reasons. */
export class RefusedOperation extends Error {
  override readonly name = "RefusedOperation";

  constructor(readonly errors: readonly GraphQLError[]) {
    super("the operation is refused");
  }
}

/** Takes subscriptions apart, under the limits of other operations. Throws RefusedOperation. */
export class SubscriptionDocuments {
  readonly #measure: CostMeasure;

  constructor(
    private readonly schema: GraphQLSchema,
    /** The only documents that are executed; undefined: any. */
    private readonly trusted: TrustedDocuments | undefined,
  ) {
    this.#measure = new CostMeasure(schema);
  }

  /** The text to execute; only trusted documents have names. */
  text(given: DocumentParameters): string {
    return refusing(() => {
      if (this.trusted !== undefined) return this.trusted.text(given);
      if (typeof given["query"] === "string") return given["query"];
      throw badInput([{ path: "query", expected: "the text of a GraphQL document", got: "none" }]);
    });
  }

  parsed(text: string): DocumentNode {
    const document = parsedText(text);
    const faults = faultsOf(document, this.schema);
    if (faults.length === 0) return document;
    throw new RefusedOperation(faults.map((fault) => withCode(fault, "GRAPHQL_VALIDATION_FAILED")));
  }

  /** `operation` is the document's, which must be valid. */
  requireFollowable(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables = {}): void {
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION)
      throw unresolved(`a ${operation.operation} is sent by POST, not as a stream`);
    refusing(() => {
      requireCost(this.#measure.cost(document, operation, variables));
    });
  }
}

/** The operation of that name; without one, the only operation. Throws RefusedOperation. */
export function operationIn(document: DocumentNode, operationName: string | undefined): OperationDefinitionNode {
  const operation = getOperationAST(document, operationName);
  if (operation) return operation;
  throw unresolved("no such operation");
}

/** An error that came from a resolver, or has a code already, stays what it is. */
export function withCode(error: GraphQLError, code: string): GraphQLError {
  if (error.path !== undefined || "code" in error.extensions) return error;
  const { message, nodes = null, source = null, positions = null } = error;
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } });
}

function parsedText(text: string): DocumentNode {
  try {
    return parse(text, { maxLexicalTokens: LIMITS.tokens });
  } catch (error) {
    const fault = error instanceof GraphQLError ? error : new GraphQLError("the document cannot be read");
    throw new RefusedOperation([withCode(fault, "GRAPHQL_PARSE_FAILED")]);
  }
}

/** A rule throws where it cannot go on: over a variable that decides whether the one field is there, or at the stack's end. */
function faultsOf(document: DocumentNode, schema: GraphQLSchema): readonly GraphQLError[] {
  try {
    return validate(schema, document, [...specifiedRules, ...limitRules]);
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    if (error instanceof RangeError) return [new GraphQLError("the document is nested too deeply")];
    throw error;
  }
}

function unresolved(message: string): RefusedOperation {
  return new RefusedOperation([withCode(new GraphQLError(message), "OPERATION_RESOLUTION_FAILURE")]);
}

function refusing<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof AuditError) throw new RefusedOperation([refusal(error)]);
    throw error instanceof GraphQLError ? new RefusedOperation([error]) : error;
  }
}
