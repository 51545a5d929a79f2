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
import { NESTED_TOO_DEEPLY, refusal } from "./errors.js";
import { LIMITS, limitRules } from "./limits.js";
import { textFault } from "./request-plugin.js";
import type { DocumentParameters, TrustedDocuments } from "./trusted-documents.js";
import { requireFitting } from "./variables.js";

/** An operation that is refused, with the reasons. */
export class RefusedOperation extends Error {
  override readonly name = "RefusedOperation";

  constructor(readonly errors: readonly GraphQLError[]) {
    super("The operation is refused.");
  }
}

/** Parses subscriptions under the limits of other operations. Throws RefusedOperation. */
export class SubscriptionDocuments {
  readonly #measure: CostMeasure;

  constructor(
    private readonly schema: GraphQLSchema,
    /** The only documents that are executed; undefined: all. */
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

  /** The type of the operation, without checking anything else; undefined if it cannot be determined. */
  typeOf(given: DocumentParameters, operationName: string | undefined): OperationTypeNode | undefined {
    try {
      return getOperationAST(parsedText(this.text(given)), operationName)?.operation;
    } catch (error) {
      if (error instanceof RefusedOperation) return undefined;
      throw error;
    }
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
      throw unresolved(`A ${operation.operation} has one result: it cannot be followed.`);
    refusing(() => {
      requireFitting(this.schema, operation, variables);
      requireCost(this.#measure.cost(document, operation, variables));
    });
  }
}

/** Returns the operation of that name, or the only one without a name. Throws RefusedOperation. */
export function operationIn(document: DocumentNode, operationName: string | undefined): OperationDefinitionNode {
  const operation = getOperationAST(document, operationName);
  if (operation) return operation;
  throw unresolved("The document has no operation of that name.");
}

/** Adds a code to an error, unless it came from a resolver or has a code already. */
export function withCode(error: GraphQLError, code: string): GraphQLError {
  if (error.path !== undefined || "code" in error.extensions) return error;
  const { message, nodes = null, source = null, positions = null } = error;
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } });
}

function parsedText(text: string): DocumentNode {
  const tooLong = textFault(text);
  if (tooLong !== undefined) throw new RefusedOperation([tooLong]);
  try {
    return parse(text, { maxLexicalTokens: LIMITS.tokens });
  } catch (error) {
    // The parser recurses; all else that it throws is a GraphQLError.
    const fault = error instanceof GraphQLError ? error : new GraphQLError(NESTED_TOO_DEEPLY);
    throw new RefusedOperation([withCode(fault, "GRAPHQL_PARSE_FAILED")]);
  }
}

/** Validation rules throw when they cannot continue: on a variable that decides whether the only field is selected. */
function faultsOf(document: DocumentNode, schema: GraphQLSchema): readonly GraphQLError[] {
  try {
    return validate(schema, document, [...limitRules, ...specifiedRules]);
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
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
