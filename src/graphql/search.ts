import { Args, Ctx, Query, Resolver } from "type-graphql";
import type { ResultPage } from "../audit/service.js";
import type { AuditContext } from "./context.js";
import { EntryConnectionType } from "./entry-connection.js";
import { pageRequest } from "./relay.js";
import { RestrictedSearchArgs, restrictedSearchRequest } from "./search-input.js";

@Resolver()
export class SearchResolver {
  @Query(() => EntryConnectionType, {
    complexity: 1,
    description:
      "Finds entries. The result is pinned to the newest tree, so you can page through it with cursors or `results(id:)` while the log grows.",
  })
  search(
    @Ctx() { service }: AuditContext,
    @Args(() => RestrictedSearchArgs) search: RestrictedSearchArgs,
  ): Promise<ResultPage> {
    return service.search(restrictedSearchRequest(search), pageRequest(search));
  }
}
