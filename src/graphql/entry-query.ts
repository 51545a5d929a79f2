import { Args, ArgsType, Ctx, Field, ID, Query, Resolver } from "type-graphql";
import { badInput } from "../audit/errors.js";
import { DEFAULT_LOG } from "../audit/service.js";
import type { Digest } from "../core/bytes.js";
import type { AuditContext } from "./context.js";
import { EntryType, type EntryNode } from "./entry.js";
import { found } from "./node.js";
import { DigestScalar, LeafIndexScalar } from "./scalars.js";

@ArgsType()
abstract class EntryArgs {
  @Field(() => LeafIndexScalar, { nullable: true, description: "Its index in the log. Give either this or `hash`." })
  abstract readonly leafIndex?: number | null;

  @Field(() => DigestScalar, { nullable: true, description: "Its leaf hash. Give either this or `leafIndex`." })
  abstract readonly hash?: Digest | null;

  @Field(() => ID, { nullable: true, description: "The log. Default: `default`." })
  abstract readonly log?: string | null;
}

@Resolver()
export class EntryQueryResolver {
  @Query(() => EntryType, {
    complexity: 1,
    nullable: true,
    description:
      "One entry, by its index or leaf hash (the earliest if identical envelopes were logged). Null if there is none.",
  })
  async entry(@Ctx() context: AuditContext, @Args(() => EntryArgs) args: EntryArgs): Promise<EntryNode | null> {
    const log = args.log ?? DEFAULT_LOG;
    if (typeof args.leafIndex === "number" && !args.hash) {
      return found(await context.loaders.entries.load({ log, at: args.leafIndex }), log);
    }
    if (args.hash && typeof args.leafIndex !== "number") {
      return found(await context.service.entryByHash(log, args.hash), log);
    }
    const got = args.hash ? "both" : "neither";
    throw badInput([{ path: "leafIndex", expected: "either leafIndex or hash", got }]);
  }
}
