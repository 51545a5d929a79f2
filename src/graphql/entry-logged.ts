import { Args, ArgsType, Field, ID, Resolver, Root, Subscription } from "type-graphql";
import { badInput } from "../audit/errors.js";
import { DEFAULT_LOG, type EntryOutcome } from "../audit/service.js";
import type { StreamContext } from "./context.js";
import { EntryType, type EntryNode } from "./entry.js";
import { found } from "./node.js";
import { withoutNulls } from "../core/json.js";
import { LeafIndexScalar } from "./scalars.js";

@ArgsType()
abstract class EntryLoggedArgs {
  @Field(() => String, {
    nullable: true,
    description: "Shows only matching entries, in the query language of `search`. Default: all.",
  })
  abstract readonly query?: string | null;

  @Field(() => ID, { nullable: true, description: "The log to follow. Default: `default`." })
  abstract readonly log?: string | null;

  @Field(() => LeafIndexScalar, {
    nullable: true,
    description:
      "The first entry to read. To resume without a gap or repetition: the last `leafIndex` seen, plus 1. Default: entries logged from now on.",
  })
  abstract readonly fromLeafIndex?: number | null;
}

interface Subscribing {
  readonly args: EntryLoggedArgs;
  readonly context: StreamContext;
}

function follow({ args, context }: Subscribing): Promise<AsyncIterable<EntryOutcome>> {
  const { log, query, fromLeafIndex } = args;
  const request = { log: log ?? DEFAULT_LOG, ...withoutNulls({ query, fromLeafIndex }) };
  return context.service.tail(request, { signal: context.signal });
}

@Resolver()
export class EntryLoggedResolver {
  @Subscription(() => EntryType, {
    complexity: 1,
    subscribe: follow,
    description:
      "Follows a log: every entry as it is logged, in index order, each once. A corrupt entry is an event without data, with the error ENTRY_CORRUPT.",
  })
  entryLogged(@Args(() => EntryLoggedArgs) { log }: EntryLoggedArgs, @Root() outcome?: EntryOutcome): EntryNode {
    const entry = outcome === undefined ? notAStream() : found(outcome, log ?? DEFAULT_LOG);
    if (entry === null) throw new Error("a tail showed that there is nothing to show");
    return entry;
  }
}

/** The operation was executed like a query, so no one would receive its events. */
function notAStream(): never {
  const expected = "the header Accept: text/event-stream, or a WebSocket of the protocol graphql-transport-ws";
  throw badInput([{ path: "subscription", expected, got: "a request for one answer" }]);
}
