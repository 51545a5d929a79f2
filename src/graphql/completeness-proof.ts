import { Ctx, Field, FieldResolver, Int, ObjectType, registerEnumType, Resolver, Root as Parent } from "type-graphql";
import type { CompletenessProof, IndexRoot } from "../audit/proofs.js";
import { questionText } from "../core/segment/question.js";
import { BASE_ENTRIES } from "../core/segment/index-log.js";
import type { Verdict } from "../core/verdict.js";
import type { AuditContext } from "./context.js";
import { IndexRootType } from "./index-root.js";
import { rootNode, RootType, type RootNode } from "./root.js";
import { Base64Scalar, TreeSizeScalar } from "./scalars.js";
import { VerdictType } from "./verdict.js";

export const ProvenPart = { PAGE: "page", TOTAL_COUNT: "totalCount" } as const;
export type ProvenPart = (typeof ProvenPart)[keyof typeof ProvenPart];

registerEnumType(ProvenPart, {
  name: "AuditProvenPart",
  description: "The part of a search result that is proven complete.",
  valuesConfig: {
    PAGE: {
      description: "That the page's entries are all matches there are, from the one before the page to its last.",
    },
    TOTAL_COUNT: { description: "That `totalCount` counts every match." },
  },
});

@ObjectType("AuditCompletenessProof", {
  simpleResolvers: true,
  description:
    "Proves that a page, or a count, leaves nothing out: anyone who has the log's key can run the search again over `proof` and find the same (docs/format.md, section 8.5). `auditql verify` and the package's `auditql/verify` do that.",
})
export abstract class CompletenessProofType {
  @Field(() => String, {
    description:
      "The question that is answered, as JSON: filter, window, where the page begins, direction, and its limit or the count's cap. Check that it is what you asked. A page that was asked for with `last` is proven in the other direction.",
  })
  abstract readonly question: string;

  @Field(() => RootType, { description: "The signed root that the result is pinned to." })
  abstract readonly root: RootNode;

  @Field(() => IndexRootType, { description: "The signed root of the index that the proof leads to." })
  abstract readonly index: IndexRoot;

  @Field(() => Base64Scalar, {
    complexity: 5,
    description: "The proof. It holds words, values and whole entries of the log beside those found; at most 16 MiB.",
  })
  abstract readonly proof: Uint8Array;

  @Field(() => TreeSizeScalar, { description: "The number of entries that the index speaks of: the first ones." })
  abstract readonly upTo: number;

  @Field(() => Int, {
    description:
      "The number of entries of the tree behind those: where the question reaches them, the proof holds their texts.",
  })
  abstract readonly tailSize: number;

  @Field(() => VerdictType, {
    description:
      "The gateway's own check of the proof against both roots, with what the page shows. A proof that it finds wrong is not returned.",
  })
  abstract readonly verdict: Verdict;
}

@Resolver(() => CompletenessProofType)
export class CompletenessProofResolver {
  @FieldResolver({ complexity: 2 })
  question(@Parent() { question }: CompletenessProof): string {
    return questionText(question);
  }

  @FieldResolver({ complexity: 1 })
  async root(@Parent() { log, treeSize }: CompletenessProof, @Ctx() { loaders }: AuditContext): Promise<RootNode> {
    return rootNode(await loaders.root(log, treeSize));
  }

  @FieldResolver({ complexity: 1 })
  upTo(@Parent() { index }: CompletenessProof): number {
    return index.treeSize * BASE_ENTRIES;
  }

  @FieldResolver({ complexity: 1 })
  tailSize(@Parent() { treeSize, index }: CompletenessProof): number {
    return treeSize - index.treeSize * BASE_ENTRIES;
  }
}
