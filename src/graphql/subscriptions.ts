import {
  createSourceEventStream,
  execute,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationTypeNode,
} from "graphql";
import type { Logger } from "pino";
import { AuditError } from "../audit/errors.js";
import type { AuditService } from "../audit/service.js";
import { auditContext, type StreamContext } from "./context.js";
import { errorFormatter, formattedError, type FormatError } from "./errors.js";
import { withoutSuggestion } from "./introspection.js";
import type { OperationObserver } from "./operation-observer.js";
import { executedSchema } from "./schema.js";
import { failureLog } from "./server.js";
import { StreamRecord } from "./stream-record.js";
import { operationIn, RefusedOperation, SubscriptionDocuments, withCode } from "./subscription-document.js";
import type { DocumentParameters, TrustedDocuments } from "./trusted-documents.js";

/** An operation as a client sent it; the door has checked its shape. */
export interface SubscriptionRequest {
  /** Its text, or the name of a trusted document. */
  readonly document: DocumentParameters;
  readonly operationName?: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** The caller that subscribes. */
export interface Subscriber {
  /** Returns the audit service for one event: each event gets its own, because it remembers what it showed. */
  service(): AuditService;
  /** Aborts when the stream is to end; the subscriber sees the reason if it is an AuditError. */
  readonly signal: AbortSignal;
  readonly operation: OperationObserver;
}

/** The events, the last of which may be an error without data; or the errors of the request. */
export type Subscribed =
  | { readonly kind: "events"; readonly events: AsyncGenerator<FormattedExecutionResult, void> }
  | { readonly kind: "refused"; readonly errors: readonly GraphQLFormattedError[] };

export interface SubscriptionsOptions {
  /** The only documents that are executed. Default: any. */
  readonly trusted?: TrustedDocuments | undefined;
  /** Whether errors in a document suggest names from the schema. Default: no. */
  readonly suggests?: boolean;
  /** SchemaOptions.prefix. */
  readonly prefix?: string | undefined;
}

/** GraphQL subscriptions without a transport: every door applies the limits and errors of other requests. */
export class Subscriptions {
  readonly #documents: SubscriptionDocuments;

  private constructor(
    private readonly schema: GraphQLSchema,
    private readonly formatError: FormatError,
    private readonly options: SubscriptionsOptions,
  ) {
    this.#documents = new SubscriptionDocuments(schema, options.trusted);
  }

  static async open(logger: Logger, options: SubscriptionsOptions = {}): Promise<Subscriptions> {
    return new Subscriptions(await executedSchema(options.prefix), errorFormatter(failureLog(logger)), options);
  }

  /**
   * Returns the type of the operation; undefined if the request does not determine it, and then `subscribe` reports
   * why.
   */
  typeOf({ document, operationName }: SubscriptionRequest): OperationTypeNode | undefined {
    return this.#documents.typeOf(document, operationName);
  }

  /** Never rejects because of what a client sends. */
  async subscribe(request: SubscriptionRequest, subscriber: Subscriber): Promise<Subscribed> {
    const record = new StreamRecord(subscriber.operation);
    try {
      const document = this.#prepared(request, record);
      return { kind: "events", events: record.watched(await this.#followed(document, request, subscriber)) };
    } catch (error) {
      if (!(error instanceof RefusedOperation)) throw error;
      const errors = this.#refused(error.errors);
      record.refused(errors);
      return { kind: "refused", errors };
    }
  }

  #prepared({ document: given, operationName, variables }: SubscriptionRequest, record: StreamRecord): DocumentNode {
    const text = this.#documents.text(given);
    record.document(text);
    const document = this.#documents.parsed(text);
    const operation = operationIn(document, operationName);
    record.operation(operation);
    this.#documents.requireFollowable(document, operation, variables);
    return document;
  }

  async #followed(
    document: DocumentNode,
    { operationName, variables = {} }: SubscriptionRequest,
    subscriber: Subscriber,
  ): Promise<AsyncGenerator<FormattedExecutionResult, void>> {
    const args: ExecutionArgs = {
      ...{ schema: this.schema, document },
      ...{ operationName: operationName ?? null, variableValues: variables },
    };
    const contextValue: StreamContext = { ...auditContext(subscriber.service()), signal: subscriber.signal };
    const source = await createSourceEventStream({ ...args, contextValue });
    if (isStream(source)) return this.#events(source, args, subscriber);
    // Errors without a path are about variables: nothing has run yet.
    throw new RefusedOperation((source.errors ?? []).map((error) => withCode(error, "BAD_USER_INPUT")));
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

  #refused(errors: readonly GraphQLError[]): readonly GraphQLFormattedError[] {
    const formatted = errors.map((error) => this.#formatted(error));
    if (this.options.suggests === true) return formatted;
    return formatted.map((error) => ({ ...error, message: withoutSuggestion(error.message) }));
  }

  #formatted(error: GraphQLError): GraphQLFormattedError {
    return formattedError(error, this.formatError);
  }
}

function isStream(source: AsyncIterable<unknown> | ExecutionResult): source is AsyncIterable<unknown> {
  return Symbol.asyncIterator in source;
}
