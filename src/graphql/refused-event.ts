import { Extensions, Field, Int, ObjectType } from "type-graphql";
import type { RefusedEvent } from "../audit/service.js";
import type { FieldProblem } from "../core/event.js";
import { inApiSpelling } from "./errors.js";

@ObjectType("AuditEventProblem", {
  simpleResolvers: true,
  description: "A problem with one value of an event, as in `extensions.problems` of an error.",
})
export abstract class EventProblemType implements FieldProblem {
  @Field(() => String, { description: "Its path in the request, such as `events[3].new.amount`." })
  abstract readonly path: string;

  @Field(() => String, { description: "What was expected." })
  abstract readonly expected: string;

  @Field(() => String, { description: "What came." })
  abstract readonly got: string;
}

@ObjectType("AuditRefusedEvent", {
  simpleResolvers: true,
  description: "An event of a request with `skipInvalid` that was not logged.",
})
export abstract class RefusedEventType implements RefusedEvent {
  @Field(() => Int, { description: "Its index in `events`, from 0." })
  abstract readonly index: number;

  @Extensions({ listSize: 10 })
  @Field(() => [EventProblemType], {
    complexity: 1,
    description: "The reasons: at least one, and at most the first ten problems.",
  })
  abstract readonly problems: readonly FieldProblem[];
}

export function refusedEvents(refused: readonly RefusedEvent[]): readonly RefusedEvent[] {
  return refused.map(({ index, problems }) => ({ index, problems: problems.map(inApiSpelling) }));
}
