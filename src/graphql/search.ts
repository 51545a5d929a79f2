import { Args, Ctx, Query, Resolver } from "type-graphql";
import type { ResultPage } from "../audit/service.js";
import type { AuditContext } from "./context.js";
import { EntryConnectionType } from "./entry-connection.js";
import { PageArgs, pageRequest } from "./relay.js";
import { SearchArgs, searchRequest } from "./search-input.js";

@Resolver()
export class SearchResolver {
  @Query(() => EntryConnectionType, {
    description:
      "Finds entries. The result is pinned to the newest tree: page through it with cursors, or with `results(id:)`, while the log grows.",
  })
  search(
    @Ctx() { service }: AuditContext,
    @Args(() => PageArgs) page: PageArgs,
    @Args(() => SearchArgs) search: SearchArgs,
  ): Promise<ResultPage> {
    return service.search(searchRequest(search), pageRequest(page));
  }
}
