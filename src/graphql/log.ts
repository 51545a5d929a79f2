import {
  Args,
  ArgsType,
  Ctx,
  Directive,
  Extensions,
  Field,
  FieldResolver,
  ID,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from "type-graphql";
import {
  DEFAULT_LOG,
  MAX_REQUEST_EVENTS,
  type Logged,
  type LogRequest,
  type Receipt,
  type RefusedEvent,
} from "../audit/service.js";
import type { AuditContext, Loaders } from "./context.js";
import {
  EntryVerificationType,
  entryNode,
  EntryType,
  membershipProof,
  MembershipProofType,
  type EntryNode,
  type ProofNode,
  shownIn,
  type EntryInTree,
} from "./entry.js";
import { EventInput, signedEvent } from "./event.js";
import { withoutNulls } from "../core/json.js";
import { refusedEvents, RefusedEventType } from "./refused-event.js";
import { rootNode, RootType, type RootNode } from "./root.js";

/** The arguments of every mutation that logs, besides its events. */
@ArgsType()
export abstract class AppendArgs {
  @Field(() => ID, { nullable: true, description: "The log to append to. Default: `default`." })
  abstract readonly log?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Sign each event that has no signature with the gateway's own key.",
  })
  abstract readonly sign?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Makes it safe to repeat this request when its outcome is unknown: with the same key, log and events it returns the first receipt and logs nothing twice; with other events it is refused with CONFLICT. Use a new key for each request, such as a UUID: 1 to 128 characters. Keys belong to the credential that used them and are kept as long as the log.",
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
      "Log the valid events and list the others in `refused`, instead of refusing all of them. The whole request is still refused if no event is valid, if the request itself is wrong, if a value does not fit the types of `AuditEventInput`, such as a number as `status`, or if an event belongs to another tenant than the credential.",
  })
  abstract readonly skipInvalid?: boolean | null;
}

/** A list with something for each event of a request. */
export const PER_EVENT = { listSize: MAX_REQUEST_EVENTS };
const RECEIPT_ROOT = "A signed root that includes what was logged; the proofs of the receipt lead to it.";

export const REFUSED = "The events that were not logged, in the order given; empty without `skipInvalid`.";

interface LogReceipt {
  readonly entry: EntryNode;
  readonly root: RootNode;
}

export interface LoggedNodes {
  readonly entries: readonly EntryNode[];
  readonly receipts: readonly LogReceipt[];
  readonly root: RootNode;
}

interface LogBulkReceipt extends LoggedNodes {
  readonly refused: readonly RefusedEvent[];
}

@ObjectType("AuditLogPayload", {
  simpleResolvers: true,
  description: "The receipt of one event. When you have it, the event is durable.",
})
export abstract class LogPayloadType implements LogReceipt {
  @Field(() => EntryType, { description: "The event at its index in the log." })
  abstract readonly entry: EntryNode;

  @Field(() => RootType, { description: RECEIPT_ROOT })
  abstract readonly root: RootNode;

  @Field(() => MembershipProofType, { description: "Proves that the entry is in the tree of `root`." })
  abstract readonly membershipProof: ProofNode;

  @Field(() => EntryVerificationType, {
    description: "Checks that the gateway makes now, in the tree of `root`. Only selected checks are made.",
  })
  abstract readonly verification: EntryInTree;
}

@Resolver(() => LogPayloadType)
export class LogPayloadResolver {
  @FieldResolver({ complexity: 15 })
  async membershipProof(@Root() receipt: LogReceipt, @Ctx() context: AuditContext): Promise<ProofNode> {
    const { entry, treeSize } = await this.verification(receipt, context);
    return membershipProof(entry, await treeSize(), context);
  }

  @FieldResolver({ complexity: 15 })
  async verification(@Root() { entry, root }: LogReceipt, @Ctx() { loaders }: AuditContext): Promise<EntryInTree> {
    return shownIn(entry, await loaders.format(entry.log), root.treeSize);
  }
}

/** The fields of every receipt of several events. */
@ObjectType({ simpleResolvers: true })
export abstract class LoggedFields implements LoggedNodes {
  @Extensions(PER_EVENT)
  @Field(() => [EntryType], {
    complexity: 1,
    description: "The events at their indexes in the log, in the order given.",
  })
  abstract readonly entries: readonly EntryNode[];

  @Extensions(PER_EVENT)
  @Field(() => [LogPayloadType], {
    complexity: 1,
    description: "The same entries, each with its proof and verdicts under `root`.",
  })
  abstract readonly receipts: readonly LogReceipt[];

  @Field(() => RootType, { description: RECEIPT_ROOT })
  abstract readonly root: RootNode;
}

@ObjectType("AuditLogBulkPayload", {
  simpleResolvers: true,
  description: "The receipt of `logBulk`. When you have it, every event in `entries` is durable.",
})
export abstract class LogBulkPayloadType extends LoggedFields implements LogBulkReceipt {
  @Extensions(PER_EVENT)
  @Field(() => [RefusedEventType], {
    complexity: 1,
    description: REFUSED,
  })
  abstract readonly refused: readonly RefusedEvent[];
}

@Resolver()
export class LogResolver {
  @Directive('@tag(name: "audit-write")')
  @Mutation(() => LogPayloadType, {
    complexity: 1,
    description: "Logs one event and responds when it is durable, with its index and proof.",
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

  @Directive('@tag(name: "audit-write")')
  @Mutation(() => LogBulkPayloadType, {
    complexity: 1,
    description:
      "Logs 1 to 1,000 events at consecutive indexes in the order given: all or none, or with `skipInvalid` the valid ones.",
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

/** The request in the service's form. */
export function logRequest(
  { log, sign, idempotencyKey }: AppendArgs,
  { path, inputs, skipInvalid }: Inputs,
): LogRequest {
  const events = inputs.map((input, at) => signedEvent(input, path === "event" ? path : `${path}[${at}]`));
  const given = withoutNulls({ idempotencyKey, skipInvalid });
  return { log: log ?? DEFAULT_LOG, sign: sign ?? false, events, path, ...given };
}

export function loggedNodes(logged: Logged, loaders: Loaders): LoggedNodes {
  const root = rootNode(loaders.keepRoot(logged.root));
  return {
    /** Computed when selected: most writers of a thousand events need only the root. */
    get entries() {
      return logged.entries.map(entryNode);
    },
    get receipts() {
      return logged.entries.map((entry) => ({ entry: entryNode(entry), root }));
    },
    root,
  };
}

function receiptNodes(receipt: Receipt, loaders: Loaders): LogBulkReceipt {
  const nodes = loggedNodes(receipt, loaders);
  return {
    get entries() {
      return nodes.entries;
    },
    get receipts() {
      return nodes.receipts;
    },
    root: nodes.root,
    get refused() {
      return refusedEvents(receipt.refused);
    },
  };
}
