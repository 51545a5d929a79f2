import {
  createSourceEventStream,
  execute,
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from "graphql";
import type { Logger } from "pino";
import { AuditError } from "../audit/errors.js";
import type { AuditService } from "../audit/service.js";
import { auditContext, type StreamContext } from "./context.js";
import { errorFormatter, formattedError, refusal, type FormatError } from "./errors.js";
import { withoutSuggestion } from "./introspection.js";
import { LIMITS, limitRules } from "./limits.js";
import { auditSchema } from "./schema.js";
import { failureLog } from "./server.js";
import type { TrustedDocuments } from "./trusted-documents.js";

/** An operation as a client sent it, its shape checked by the door it came through. */
export interface SubscriptionRequest {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Who subscribes. */
export interface Subscriber {
  /** The audit service as the subscriber may use it: made anew for each event, for it remembers what it showed. */
  service(): AuditService;
  /** Aborts when the stream is to end; if an AuditError is the reason, the subscriber is told of it. */
  readonly signal: AbortSignal;
}

/** The events, of which the last may be an error without data; or what is wrong with the request. */
export type Subscribed =
  | { readonly kind: "events"; readonly events: AsyncGenerator<FormattedExecutionResult, void> }
  | { readonly kind: "refused"; readonly errors: readonly GraphQLFormattedError[] };

export interface SubscriptionsOptions {
  /** The only documents that are executed. Default: any. */
  readonly trusted?: TrustedDocuments | undefined;
  /** Whether whoever sends a wrong document is told what may have been meant, and so of the schema. Default: no. */
  readonly suggests?: boolean;
}

type Prepared =
  | { readonly kind: "document"; readonly document: DocumentNode }
  | { readonly kind: "refused"; readonly errors: readonly GraphQLError[] };

/** GraphQL subscriptions without a transport: every door of theirs has the limits and the errors of other requests. */
export class Subscriptions {
  private constructor(
    private readonly schema: GraphQLSchema,
    private readonly formatError: FormatError,
    private readonly options: SubscriptionsOptions,
  ) {}

  static async open(logger: Logger, options: SubscriptionsOptions = {}): Promise<Subscriptions> {
    return new Subscriptions(await auditSchema(), errorFormatter(failureLog(logger)), options);
  }

  /** Never rejects for what a client can send. */
  async subscribe(request: SubscriptionRequest, subscriber: Subscriber): Promise<Subscribed> {
    const prepared = this.#prepare(request);
    if (prepared.kind === "refused") return this.#refused(prepared.errors);
    const { signal } = subscriber;
    const args: ExecutionArgs = {
      schema: this.schema,
      document: prepared.document,
      operationName: request.operationName ?? null,
      variableValues: request.variables ?? {},
    };
    const contextValue: StreamContext = { ...auditContext(subscriber.service()), signal };
    const source = await createSourceEventStream({ ...args, contextValue });
    // Errors without a path are the variables': nothing has run yet.
    if (!isStream(source))
      return this.#refused((source.errors ?? []).map((error) => withCode(error, "BAD_USER_INPUT")));
    return { kind: "events", events: this.#events(source, args, subscriber) };
  }

  #prepare({ query, operationName }: SubscriptionRequest): Prepared {
    let document: DocumentNode;
    try {
      this.options.trusted?.text({ query });
      document = parse(query, { maxLexicalTokens: LIMITS.tokens });
    } catch (error) {
      if (error instanceof AuditError) return { kind: "refused", errors: [refusal(error)] };
      const fault = error instanceof GraphQLError ? error : new GraphQLError("the document cannot be read");
      return { kind: "refused", errors: [withCode(fault, "GRAPHQL_PARSE_FAILED")] };
    }
    const faults = validate(this.schema, document, [...specifiedRules, ...limitRules]);
    if (faults.length > 0) {
      return { kind: "refused", errors: faults.map((fault) => withCode(fault, "GRAPHQL_VALIDATION_FAILED")) };
    }
    const operation = getOperationAST(document, operationName);
    if (operation?.operation === OperationTypeNode.SUBSCRIPTION) return { kind: "document", document };
    const message = operation ? `a ${operation.operation} is sent by POST, not as a stream` : "no such operation";
    return { kind: "refused", errors: [withCode(new GraphQLError(message), "OPERATION_RESOLUTION_FAILURE")] };
  }

  async *#events(
    source: AsyncIterable<unknown>,
    args: ExecutionArgs,
    subscriber: Subscriber,
  ): AsyncGenerator<FormattedExecutionResult, void> {
    try {
      for await (const rootValue of source) {
        yield this.#shown(await execute({ ...args, rootValue, contextValue: auditContext(subscriber.service()) }));
      }
    } catch (error) {
      yield this.#failed(error);
      return;
    }
    const reason: unknown = subscriber.signal.reason;
    if (reason instanceof AuditError) yield this.#failed(reason);
  }

  #shown({ data = null, errors }: ExecutionResult): FormattedExecutionResult {
    return errors === undefined ? { data } : { data, errors: errors.map((error) => this.#formatted(error)) };
  }

  #failed(error: unknown): FormattedExecutionResult {
    const message = error instanceof Error ? error.message : String(error);
    return { errors: [this.formatError({ message }, error)] };
  }

  #refused(errors: readonly GraphQLError[]): Subscribed {
    const formatted = errors.map((error) => this.#formatted(error));
    if (this.options.suggests === true) return { kind: "refused", errors: formatted };
    return { kind: "refused", errors: formatted.map((e) => ({ ...e, message: withoutSuggestion(e.message) })) };
  }

  #formatted(error: GraphQLError): GraphQLFormattedError {
    return formattedError(error, this.formatError);
  }
}

function isStream(source: AsyncIterable<unknown> | ExecutionResult): source is AsyncIterable<unknown> {
  return Symbol.asyncIterator in source;
}

/** An error that came from a resolver, or has a code already, stays what it is. */
function withCode(error: GraphQLError, code: string): GraphQLError {
  if (error.path !== undefined || "code" in error.extensions) return error;
  const { message, nodes = null, source = null, positions = null } = error;
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } });
}
