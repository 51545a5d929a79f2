import { Arg, Ctx, ID, Query, Resolver } from "type-graphql";
import { DEFAULT_LOG } from "../audit/service.js";
import type { AuditContext } from "./context.js";
import { rootNode, RootType, type RootNode } from "./root.js";
import { TreeSizeScalar } from "./scalars.js";

@Resolver()
export class RootQueryResolver {
  @Query(() => RootType, { complexity: 1, description: "The newest root of a log, or its root at an earlier size." })
  async root(
    @Ctx() { loaders }: AuditContext,
    @Arg("log", () => ID, { nullable: true, description: "The log. Default: `default`." }) log?: string | null,
    @Arg("treeSize", () => TreeSizeScalar, {
      nullable: true,
      description: "An earlier tree size, from 0. Default: the newest.",
    })
    treeSize?: number | null,
  ): Promise<RootNode> {
    return rootNode(await loaders.root(log ?? DEFAULT_LOG, treeSize ?? undefined));
  }
}
