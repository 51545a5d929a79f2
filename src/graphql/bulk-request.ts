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
import { MAX_REQUEST_EVENTS, type BulkFailure, type BulkRequest, type RefusedEvent } from "../audit/service.js";
import type { AuditContext } from "./context.js";
import type { Loaders } from "./loaders.js";
import { refusedEvents, RefusedEventType } from "./refused-event.js";
import { AppendArgs, LogBulkArgs, LogBulkPayloadType, logRequest, receiptNodes, type LogBulkReceipt } from "./log.js";
import { DateTimeScalar } from "./scalars.js";

export const BulkRequestStatus = { PENDING: "PENDING", DONE: "DONE", FAILED: "FAILED" } as const;

registerEnumType(BulkRequestStatus, {
  name: "BulkRequestStatus",
  description: "How far a bulk request is.",
  valuesConfig: {
    PENDING: { description: "Accepted and durably queued: its events will be logged, once. Ask again later." },
    DONE: { description: "Its events are logged: `receipt` has them." },
    FAILED: { description: "None of its events is logged, and none will be: `error` says why." },
  },
});

@ObjectType("BulkRequestError", {
  simpleResolvers: true,
  description: "Why an accepted bulk request could not be logged. Bad events are refused before a request is accepted.",
})
export abstract class BulkRequestErrorType implements BulkFailure {
  @Field(() => String, { description: "One of the codes that errors of this API have in `extensions.code`." })
  abstract readonly code: string;

  @Field(() => String, { description: "What happened, in a sentence." })
  abstract readonly message: string;
}

interface BulkRequestNode {
  readonly id: string;
  readonly status: keyof typeof BulkRequestStatus;
  readonly receipt: LogBulkReceipt | null;
  readonly error: BulkFailure | null;
  readonly refused: readonly RefusedEvent[] | null;
  readonly expiresAt: string | null;
}

@ObjectType("BulkRequest", {
  simpleResolvers: true,
  description: "A request of `logBulkAsync`, from its acceptance until its end is forgotten.",
})
export abstract class BulkRequestType implements BulkRequestNode {
  @Field(() => ID, { description: "Poll `bulkRequest` with it, with the credential that made the request." })
  abstract readonly id: string;

  @Field(() => BulkRequestStatus, { description: "How far it is." })
  abstract readonly status: keyof typeof BulkRequestStatus;

  @Field(() => LogBulkPayloadType, {
    nullable: true,
    description: "What `logBulk` would have answered; null unless DONE.",
  })
  abstract readonly receipt: LogBulkReceipt | null;

  @Field(() => BulkRequestErrorType, { nullable: true, description: "Why nothing was logged; null unless FAILED." })
  abstract readonly error: BulkFailure | null;

  @Field(() => [RefusedEventType], {
    complexity: 1,
    nullable: true,
    description:
      "The events that were refused when it was accepted with `skipInvalid`, and will not be logged. `logBulkAsync` says so at once, and the receipt in the end; null while `bulkRequest` finds it PENDING, and if it FAILED.",
  })
  abstract readonly refused: readonly RefusedEvent[] | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: "When the end of this request is forgotten, usually a day after it; null while PENDING.",
  })
  abstract readonly expiresAt: string | null;
}

@Resolver()
export class BulkRequestResolver {
  @Extensions({ assumedSize: MAX_REQUEST_EVENTS })
  @Query(() => BulkRequestType, {
    complexity: 1,
    nullable: true,
    description:
      "How far a request of `logBulkAsync` is. Null for an id that is unknown, expired or another credential's.",
  })
  async bulkRequest(
    @Ctx() { service, loaders }: AuditContext,
    @Arg("id", () => ID, { description: "`BulkRequest.id`." }) id: string,
  ): Promise<BulkRequestNode | null> {
    const request = await service.bulkRequest(id);
    return request === undefined ? null : bulkRequestNode(request, loaders);
  }

  @Mutation(() => BulkRequestType, {
    complexity: 1,
    description:
      "Accepts 1 to 1,000 events to be logged soon, and returns as soon as they are durably queued: poll `bulkRequest`. Invalid events are refused at once, all or with `skipInvalid` those alone, as by `logBulk`.",
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

function bulkRequestNode(request: BulkRequest, loaders: Loaders): BulkRequestNode {
  const { id } = request;
  switch (request.kind) {
    case "pending":
      return {
        ...{ id, status: "PENDING", receipt: null, error: null, expiresAt: null },
        refused: request.refused === undefined ? null : refusedEvents(request.refused),
      };
    case "done": {
      const receipt = receiptNodes(request.receipt, loaders);
      return { id, status: "DONE", receipt, error: null, refused: receipt.refused, expiresAt: request.expiresAt };
    }
    case "failed":
      return { id, status: "FAILED", receipt: null, error: request.error, refused: null, expiresAt: request.expiresAt };
  }
}
