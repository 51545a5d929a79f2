import {
  Arg,
  Args,
  Ctx,
  Extensions,
  Field,
  ID,
  Mutation,
  ObjectType,
  Query,
  registerEnumType,
  Resolver,
} from "type-graphql";
import { MAX_REQUEST_EVENTS, type BulkRequest, type RefusedEvent } from "../audit/service.js";
import type { AuditContext } from "./context.js";
import type { Loaders } from "./loaders.js";
import { AppendArgs, LogBulkArgs, LoggedFields, loggedNodes, logRequest, type LoggedNodes } from "./log.js";
import { refusedEvents, RefusedEventType } from "./refused-event.js";
import { DateTimeScalar } from "./scalars.js";

/** Why fields and statuses of a version with a durable queue are deprecated: they stay for documents that select them. */
const NEVER = "No longer returned: `logBulkAsync` returns when the events are logged.";

export const BulkRequestStatus = { PENDING: "PENDING", DONE: "DONE", FAILED: "FAILED" } as const;

registerEnumType(BulkRequestStatus, {
  name: "AuditBulkRequestStatus",
  description: "How far a bulk request is.",
  valuesConfig: {
    PENDING: { description: "Its events will be logged.", deprecationReason: NEVER },
    DONE: { description: "Its events are logged: `receipt` has them." },
    FAILED: { description: "None of its events is logged.", deprecationReason: NEVER },
  },
});

@ObjectType("AuditBulkRequestError", { simpleResolvers: true, description: "Why a bulk request could not be logged." })
export abstract class BulkRequestErrorType {
  @Field(() => String, { description: "One of the codes that errors of this API have in `extensions.code`." })
  abstract readonly code: string;

  @Field(() => String, { description: "What happened, in a sentence." })
  abstract readonly message: string;
}

@ObjectType("AuditBulkRequestReceipt", {
  simpleResolvers: true,
  description: "The receipt of a bulk request: every event in `entries` is durable.",
})
export abstract class BulkRequestReceiptType extends LoggedFields {}

interface BulkRequestNode {
  readonly id: string;
  readonly status: "DONE";
  readonly receipt: LoggedNodes;
  readonly error: null;
  readonly refused: readonly RefusedEvent[] | null;
  readonly expiresAt: null;
}

@ObjectType("AuditBulkRequest", {
  simpleResolvers: true,
  description: "A request of `logBulkAsync` whose events are logged.",
})
export abstract class BulkRequestType implements BulkRequestNode {
  @Field(() => ID, {
    description:
      "Finds it again with `bulkRequest` and the credential that made the request, as long as the log is kept.",
  })
  abstract readonly id: string;

  @Field(() => BulkRequestStatus, {
    description: "Always DONE: a request that is not logged is refused with an error.",
  })
  abstract readonly status: "DONE";

  @Field(() => BulkRequestReceiptType, { nullable: true, description: "Its entries and their root; never null." })
  abstract readonly receipt: LoggedNodes;

  @Field(() => BulkRequestErrorType, { nullable: true, description: "Always null.", deprecationReason: NEVER })
  abstract readonly error: null;

  @Field(() => [RefusedEventType], {
    complexity: 1,
    nullable: true,
    description:
      "The events that `skipInvalid` left out, as `logBulkAsync` returns them, also when the request is repeated under its key. Null from `bulkRequest`: the log keeps only a digest of the request.",
  })
  abstract readonly refused: readonly RefusedEvent[] | null;

  @Field(() => DateTimeScalar, { nullable: true, description: "Always null.", deprecationReason: NEVER })
  abstract readonly expiresAt: null;
}

@Resolver()
export class BulkRequestResolver {
  @Extensions({ assumedSize: MAX_REQUEST_EVENTS })
  @Query(() => BulkRequestType, {
    complexity: 1,
    nullable: true,
    description:
      "A request of `logBulkAsync` that is logged. Null for an id that is unknown or another credential's, and as long as nothing is logged under it.",
  })
  async bulkRequest(
    @Ctx() { service, loaders }: AuditContext,
    @Arg("id", () => ID, { description: "`AuditBulkRequest.id`." }) id: string,
  ): Promise<BulkRequestNode | null> {
    const request = await service.bulkRequest(id);
    return request === undefined ? null : bulkRequestNode(request, loaders);
  }

  @Mutation(() => BulkRequestType, {
    complexity: 1,
    description:
      "Logs 1 to 1,000 events like `logBulk`, but for bursts: more requests may wait, and single events overtake them. Returns when the events are logged. With an `idempotencyKey` it can be repeated after any error.",
  })
  async logBulkAsync(
    @Ctx() { service, loaders }: AuditContext,
    @Args(() => AppendArgs) to: AppendArgs,
    @Args(() => LogBulkArgs) { events, skipInvalid }: LogBulkArgs,
  ): Promise<BulkRequestNode> {
    const request = await service.appendLater(logRequest(to, { path: "events", inputs: events, skipInvalid }));
    return bulkRequestNode(request, loaders);
  }
}

function bulkRequestNode({ id, logged, refused }: BulkRequest, loaders: Loaders): BulkRequestNode {
  return {
    ...{ id, status: "DONE", error: null, expiresAt: null },
    receipt: loggedNodes(logged, loaders),
    refused: refused === undefined ? null : refusedEvents(refused),
  };
}
