import { Args, ArgsType, Ctx, Field, ID, Int, Query, Resolver } from "type-graphql";
import type { ResultPage } from "../audit/service.js";
import type { AuditContext } from "./context.js";
import { EntryConnectionType } from "./entry-connection.js";
import { withoutNulls } from "../core/json.js";
import { PageArgs, pageRequest } from "./search.js";

@ArgsType()
abstract class ResultsArgs {
  @Field(() => ID, { description: "The search's `AuditEntryConnection.resultId`." })
  abstract readonly id: string;

  @Field(() => Int, {
    nullable: true,
    description: "The number of entries to skip; cannot be combined with cursors or `last`.",
  })
  abstract readonly offset?: number | null;
}

@Resolver()
export class ResultsResolver {
  @Query(() => EntryConnectionType, {
    complexity: 1,
    description: "Another page of an earlier search, by cursor or by position: `first` entries from `offset`.",
  })
  results(
    @Ctx() { service }: AuditContext,
    @Args(() => PageArgs) page: PageArgs,
    @Args(() => ResultsArgs) { id, offset }: ResultsArgs,
  ): Promise<ResultPage> {
    return service.results(id, { ...pageRequest(page), ...withoutNulls({ offset }) });
  }
}
