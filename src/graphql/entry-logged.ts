import { Args, ArgsType, Field, ID, Resolver, Root, Subscription } from "type-graphql";
import { badInput } from "../audit/errors.js";
import { DEFAULT_LOG, type EntryOutcome } from "../audit/service.js";
import type { StreamContext } from "./context.js";
import { EntryType, type EntryNode } from "./entry.js";
import { found } from "./node.js";
import { withoutNulls } from "./nulls.js";
import { LeafIndexScalar } from "./scalars.js";

@ArgsType()
abstract class EntryLoggedArgs {
  @Field(() => String, {
    nullable: true,
    description: "Shows what it matches, in the language of `search`; everything if not given.",
  })
  abstract readonly query?: string | null;

  @Field(() => ID, { nullable: true, description: "The log to follow; `default` if not given." })
  abstract readonly log?: string | null;

  @Field(() => LeafIndexScalar, {
    nullable: true,
    description:
      "The first entry to look at. To resume without gap or repeat: the last `leafIndex` seen, plus 1. Not given: what is logged from now on.",
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
      "Every entry of a log as it is logged, in index order, each once. A corrupt entry is an event without data, with the error ENTRY_CORRUPT.",
  })
  entryLogged(@Args(() => EntryLoggedArgs) { log }: EntryLoggedArgs, @Root() outcome?: EntryOutcome): EntryNode {
    const entry = outcome === undefined ? notAStream() : found(outcome, log ?? DEFAULT_LOG);
    if (entry === null) throw new Error("a tail showed that there is nothing to show");
    return entry;
  }
}

/** It was executed like a query, so nobody waits for its events. */
function notAStream(): never {
  const expected = "the header Accept: text/event-stream, or a WebSocket of the protocol graphql-transport-ws";
  throw badInput([{ path: "subscription", expected, got: "a request for one answer" }]);
}
