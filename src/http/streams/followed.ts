import {
  GraphQLError,
  GraphQLSchema,
  parse,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
} from "graphql";

type Events = AsyncGenerator<FormattedExecutionResult, void>;
type ShownEvents = AsyncIterableIterator<ExecutionResult>;

/** A running subscription as graphql-ws expects it: it executes nothing, because the events exist already. */
export class Followed {
  readonly schema = NO_SCHEMA;
  readonly document = SUBSCRIPTION;

  constructor(readonly events: ShownEvents) {}
}
const NO_SCHEMA = new GraphQLSchema({});
const SUBSCRIPTION = parse("subscription { events }");

/** An error that was formatted before. */
export class ShownError extends GraphQLError {
  constructor(private readonly shown: GraphQLFormattedError) {
    super(shown.message);
  }

  override toJSON(): GraphQLFormattedError {
    return this.shown;
  }
}

/** The library expects errors that it formats itself. */
function withErrors({ errors, ...result }: FormattedExecutionResult): ExecutionResult {
  return errors === undefined ? result : { ...result, errors: errors.map((error) => new ShownError(error)) };
}

/** A query or a mutation of which nothing was executed: the protocol has a message of its own for that. */
class RefusedRequest extends Error {
  override readonly name = "RefusedRequest";

  constructor(readonly errors: readonly GraphQLFormattedError[]) {
    super("nothing was executed");
  }
}

/** The errors that the library has put into one. */
export function refusedIn(error: GraphQLError | undefined): readonly GraphQLFormattedError[] | undefined {
  const original = error?.originalError;
  return original instanceof RefusedRequest ? original.errors : undefined;
}

interface Following {
  /** A query or a mutation. */
  readonly isSingle: boolean;
  readonly ended: () => void;
}

const DONE = { done: true, value: undefined } as const;

/** The events as the library expects them. Returning ends the stream, which may be waiting for the log to grow. */
export function shownEvents(events: Events, { isSingle, ended }: Following): ShownEvents {
  return {
    next: async () => {
      const next = await events.next();
      if (next.done === true) {
        ended();
        return DONE;
      }
      const { errors } = next.value;
      if (!isSingle || errors === undefined || "data" in next.value)
        return { done: false, value: withErrors(next.value) };
      ended();
      throw new RefusedRequest(errors);
    },
    return: async () => {
      ended();
      await events.return();
      return DONE;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
