import {
  GraphQLError,
  GraphQLSchema,
  parse,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
} from "graphql";

export type ShownEvents = AsyncIterableIterator<ExecutionResult>;

/** A subscription that runs, as graphql-ws wants it described: it executes nothing, for the events are there already. */
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

/** The library wants errors that it formats itself. */
export function withErrors({ errors, ...result }: FormattedExecutionResult): ExecutionResult {
  return errors === undefined ? result : { ...result, errors: errors.map((error) => new ShownError(error)) };
}
