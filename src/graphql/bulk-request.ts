import { Arg, Args, Ctx, Directive, Extensions, Field, ID, Mutation, ObjectType, Query, Resolver } from "type-graphql";
import { MAX_REQUEST_EVENTS, type BulkRequest, type RefusedEvent } from "../audit/service.js";
import type { AuditContext, Loaders } from "./context.js";
import {
  AppendArgs,
  LogBulkArgs,
  LoggedFields,
  loggedNodes,
  logRequest,
  PER_EVENT,
  REFUSED,
  type LoggedNodes,
} from "./log.js";
import { refusedEvents, RefusedEventType } from "./refused-event.js";

@ObjectType("AuditBulkRequest", {
  simpleResolvers: true,
  description: "A request of `logBulkAsync`: every event in `entries` is durable.",
})
export abstract class BulkRequestType extends LoggedFields {
  @Field(() => ID, {
    description:
      "Finds it again with `bulkRequest` and the credential that made the request, as long as the log is kept.",
  })
  abstract readonly id: string;
}

interface BulkRequestNode extends LoggedNodes {
  readonly id: string;
}

interface LogBulkAsyncReceipt {
  readonly bulkRequest: BulkRequestNode;
  readonly refused: readonly RefusedEvent[];
}

@ObjectType("AuditLogBulkAsyncPayload", {
  simpleResolvers: true,
  description: "The receipt of `logBulkAsync`. When you have it, the events are logged.",
})
export abstract class LogBulkAsyncPayloadType implements LogBulkAsyncReceipt {
  @Field(() => BulkRequestType, { description: "The request, which `bulkRequest` finds again." })
  abstract readonly bulkRequest: BulkRequestNode;

  @Extensions(PER_EVENT)
  @Field(() => [RefusedEventType], { complexity: 1, description: REFUSED })
  abstract readonly refused: readonly RefusedEvent[];
}

@Resolver()
export class BulkRequestResolver {
  @Directive('@tag(name: "audit-write")')
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

  @Directive('@tag(name: "audit-write")')
  @Mutation(() => LogBulkAsyncPayloadType, {
    complexity: 1,
    description:
      "Logs 1 to 1,000 events like `logBulk`, but for bursts: more requests may wait, and single events overtake them. Returns when the events are logged. With an `idempotencyKey` it can be repeated after any error.",
  })
  async logBulkAsync(
    @Ctx() { service, loaders }: AuditContext,
    @Args(() => AppendArgs) to: AppendArgs,
    @Args(() => LogBulkArgs) { events, skipInvalid }: LogBulkArgs,
  ): Promise<LogBulkAsyncReceipt> {
    const request = await service.appendLater(logRequest(to, { path: "events", inputs: events, skipInvalid }));
    return { bulkRequest: bulkRequestNode(request, loaders), refused: refusedEvents(request.refused ?? []) };
  }
}

function bulkRequestNode({ id, logged }: BulkRequest, loaders: Loaders): BulkRequestNode {
  return Object.assign(loggedNodes(logged, loaders), { id });
}
