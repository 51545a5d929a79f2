import { Field, ObjectType } from "type-graphql";
import type { AuditEvent, EventValue } from "../core/event.js";
import { EventTimeScalar, JsonScalar } from "./scalars.js";

@ObjectType("AuditEvent", {
  simpleResolvers: true,
  description: "What the application said happened, exactly as it was logged. Absent fields are null.",
})
export abstract class EventType implements AuditEvent {
  @Field(() => JsonScalar, { description: "What happened: text for people, or any other JSON value." })
  abstract readonly message: EventValue;

  @Field(() => String, { nullable: true, description: "Who did it: a user, a service or a job." })
  abstract readonly actor?: string;

  @Field(() => String, { nullable: true, description: "What was done, as a short word such as `create` or `login`." })
  abstract readonly action?: string;

  @Field(() => JsonScalar, { nullable: true, description: "The value after the change." })
  abstract readonly new?: EventValue;

  @Field(() => JsonScalar, { nullable: true, description: "The value before the change." })
  abstract readonly old?: EventValue;

  @Field(() => String, { nullable: true, description: "Where it came from: a host, an address or a device." })
  abstract readonly source?: string;

  @Field(() => String, { nullable: true, description: "How it ended, as a short word such as `success` or `denied`." })
  abstract readonly status?: string;

  @Field(() => String, { nullable: true, description: "What it was done to." })
  abstract readonly target?: string;

  @Field(() => EventTimeScalar, {
    nullable: true,
    description: "When it happened, as the application said. `AuditEntry.receivedAt` is when the log received it.",
  })
  abstract readonly timestamp?: string | number;

  @Field(() => String, {
    complexity: 1,
    name: "tenantId",
    simple: false,
    nullable: true,
    description: "The tenant it belongs to, in an application that serves several.",
  })
  abstract readonly tenant_id?: string;
}
