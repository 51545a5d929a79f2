import { Ctx, Field, FieldResolver, ObjectType, Resolver, Root as Parent } from "type-graphql";
import type { Root } from "../audit/service.js";
import type { Verdict } from "../core/verdict.js";
import type { AuditContext } from "./context.js";
import { VerdictType } from "./verdict.js";

@ObjectType("AuditRootVerification", {
  simpleResolvers: true,
  description: "The gateway's own checks of a root.",
})
export abstract class RootVerificationType {
  @Field(() => VerdictType, {
    description: "Whether `checkpoint` is the log's signed statement of this size and hash.",
  })
  abstract readonly checkpoint: Verdict;

  @Field(() => VerdictType, {
    description: "Whether the tree is a prefix of the newest tree that the log signed.",
  })
  abstract readonly consistency: Verdict;
}

@Resolver(() => RootVerificationType)
export class RootVerificationResolver {
  @FieldResolver({ complexity: 80 })
  checkpoint(@Parent() root: Root, @Ctx() { service }: AuditContext): Promise<Verdict> {
    return service.checkpointVerdict(root);
  }

  @FieldResolver({ complexity: 1 })
  consistency(@Parent() { log, treeSize }: Root, @Ctx() { loaders }: AuditContext): Promise<Verdict> {
    return loaders.consistency(log, treeSize);
  }
}
