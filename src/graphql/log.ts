import { Args, ArgsType, Ctx, Field, ID, Mutation, ObjectType, Resolver } from "type-graphql";
import { DEFAULT_LOG, type LogRequest, type Receipt, type RefusedEvent } from "../audit/service.js";
import type { AuditContext } from "./context.js";
import { entryNode, EntryType, type EntryNode } from "./entry.js";
import { EventInput, signedEvent } from "./event-input.js";
import type { Loaders } from "./loaders.js";
import { withoutNulls } from "./nulls.js";
import { refusedEvents, RefusedEventType } from "./refused-event.js";
import { rootNode, RootType, type RootNode } from "./root.js";

/** What every mutation that logs takes beside its events. */
@ArgsType()
export abstract class AppendArgs {
  @Field(() => ID, { nullable: true, description: "The log to append to; `default` if not given." })
  abstract readonly log?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Sign each event that carries no signature with the gateway's own key.",
  })
  abstract readonly sign?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Makes it safe to repeat this request when its outcome is not known: with the same key, the same log and the same events it is answered with the first receipt, and nothing is logged twice; with other events it is refused as CONFLICT. Choose a new one for each request, such as a UUID: 1 to 128 characters. Keys belong to the credential that used them, and are kept as long as the log.",
  })
  abstract readonly idempotencyKey?: string | null;
}

@ArgsType()
abstract class LogArgs {
  @Field(() => EventInput, { description: "What happened." })
  abstract readonly event: EventInput;
}

@ArgsType()
export abstract class LogBulkArgs {
  @Field(() => [EventInput], { description: "What happened: 1 to 1,000 events." })
  abstract readonly events: readonly EventInput[];

  @Field(() => Boolean, {
    nullable: true,
    description:
      "Log the valid events and list the others in `refused`, instead of refusing all for one. Where none is valid, and where the request itself is wrong, it is refused as a whole. What does not fit the types of EventInput, such as a number as `status`, and an event of a tenant that is not the credential's, refuse the whole request too.",
  })
  abstract readonly skipInvalid?: boolean | null;
}

const RECEIPT_ROOT = "A signed root that holds what was logged; the proofs selected here lead to it.";

interface LogReceipt {
  readonly entry: EntryNode;
  readonly root: RootNode;
}

export interface LogBulkReceipt {
  readonly entries: readonly EntryNode[];
  readonly root: RootNode;
  readonly refused: readonly RefusedEvent[];
}

@ObjectType("LogPayload", {
  simpleResolvers: true,
  description: "The receipt of `log`. When you have it, the event is durable.",
})
export abstract class LogPayloadType implements LogReceipt {
  @Field(() => EntryType, { description: "The event at its place in the log." })
  abstract readonly entry: EntryNode;

  @Field(() => RootType, { description: RECEIPT_ROOT })
  abstract readonly root: RootNode;
}

@ObjectType("LogBulkPayload", {
  simpleResolvers: true,
  description: "The receipt of `logBulk`. When you have it, every event in `entries` is durable.",
})
export abstract class LogBulkPayloadType implements LogBulkReceipt {
  @Field(() => [EntryType], {
    complexity: 1,
    description: "The events at their places in the log, in the order given.",
  })
  abstract readonly entries: readonly EntryNode[];

  @Field(() => RootType, { description: RECEIPT_ROOT })
  abstract readonly root: RootNode;

  @Field(() => [RefusedEventType], {
    complexity: 1,
    description: "The events that were not logged, in the order given; empty without `skipInvalid`.",
  })
  abstract readonly refused: readonly RefusedEvent[];
}

@Resolver()
export class LogResolver {
  @Mutation(() => LogPayloadType, {
    complexity: 1,
    description: "Logs one event and answers when it is durable, with its place and proof.",
  })
  async log(
    @Ctx() context: AuditContext,
    @Args(() => AppendArgs) to: AppendArgs,
    @Args(() => LogArgs) { event }: LogArgs,
  ): Promise<LogReceipt> {
    const { entries, root } = await append(context, to, { path: "event", inputs: [event] });
    const [entry] = entries;
    if (entry === undefined) throw new Error("the receipt of one event holds no entry");
    return { entry, root };
  }

  @Mutation(() => LogBulkPayloadType, {
    complexity: 1,
    description:
      "Logs 1 to 1,000 events, next to each other in the order given: all or none, or with `skipInvalid` those that are valid.",
  })
  logBulk(
    @Ctx() context: AuditContext,
    @Args(() => AppendArgs) to: AppendArgs,
    @Args(() => LogBulkArgs) { events, skipInvalid }: LogBulkArgs,
  ): Promise<LogBulkReceipt> {
    return append(context, to, { path: "events", inputs: events, skipInvalid });
  }
}

interface Inputs {
  readonly path: LogRequest["path"];
  readonly inputs: readonly EventInput[];
  readonly skipInvalid?: boolean | null | undefined;
}

async function append({ service, loaders }: AuditContext, to: AppendArgs, inputs: Inputs): Promise<LogBulkReceipt> {
  return receiptNodes(await service.append(logRequest(to, inputs)), loaders);
}

/** The request as the service takes it. */
export function logRequest(
  { log, sign, idempotencyKey }: AppendArgs,
  { path, inputs, skipInvalid }: Inputs,
): LogRequest {
  const events = inputs.map(signedEvent);
  const given = withoutNulls({ idempotencyKey, skipInvalid });
  return { log: log ?? DEFAULT_LOG, sign: sign ?? false, events, path, ...given };
}

export function receiptNodes(receipt: Receipt, loaders: Loaders): LogBulkReceipt {
  const root = loaders.keepRoot(receipt.root);
  return {
    /** Made when selected: most writers of a thousand events want the root alone. */
    get entries() {
      return receipt.entries.map((entry) => entryNode(entry, root.treeSize));
    },
    root: rootNode(root),
    get refused() {
      return refusedEvents(receipt.refused);
    },
  };
}
