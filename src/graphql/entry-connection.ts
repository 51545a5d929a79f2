import { Arg, Ctx, Field, FieldResolver, ID, Int, ObjectType, Resolver, Root as Parent } from "type-graphql";
import { GraphQLError } from "graphql";
import type { Facet, Histogram } from "../audit/breakdown.js";
import type { CompletenessProof } from "../audit/proofs.js";
import type { PinnedResult, ResultPage } from "../audit/service.js";
import type { LogFormat } from "../core/format.js";
import { BUCKETS, FacetFieldName, FacetType, HistogramType, VALUES } from "./breakdown.js";
import { CompletenessProofType, ProvenPart } from "./completeness-proof.js";
import type { AuditContext } from "./context.js";
import {
  entryNode,
  EntryType,
  EntryVerificationType,
  membershipProof,
  MembershipProofType,
  shownIn,
  type EntryInTree,
  type EntryNode,
  type ProofNode,
} from "./entry.js";
import { corruptEntry, strayEntry } from "./errors.js";
import { PageInfoType, type PageInfo } from "./relay.js";
import { rootNode, RootType, type RootNode } from "./root.js";
import { DateTimeScalar } from "./scalars.js";
import { WindowTime } from "./window-time.js";

/** An entry on a page, or the error in its place; GraphQL reports an error value at its own path. */
type Shown = EntryNode | GraphQLError;

interface EntryEdge {
  readonly node: Shown;
  readonly result: PinnedResult;
  /** The format of the log. */
  readonly format: LogFormat;
  /** Its position in the whole result, from 0. */
  readonly position: number;
}

@ObjectType("AuditEntryEdge", {
  simpleResolvers: true,
  description: "An entry in a search result, with its cursor, and its proof and verdicts under the page's `root`.",
})
export abstract class EntryEdgeType {
  @Field(() => ID, {
    description:
      "For caches: what has the same id is the same edge, of the same result. Select it where results are cached.",
  })
  abstract readonly id: string;

  @Field(() => String, {
    description: "An opaque position in this result, for `after` and `before`. Other searches refuse it.",
  })
  abstract readonly cursor: string;

  @Field(() => EntryType, {
    nullable: true,
    description:
      "The entry; null, with an error ENTRY_CORRUPT at its path, if its stored bytes no longer match its leaf hash.",
  })
  abstract readonly node: Shown;

  @Field(() => MembershipProofType, {
    nullable: true,
    description: "Proves that the entry is in the tree of the page's `root`. Null where `node` is.",
  })
  abstract readonly membershipProof: ProofNode;

  @Field(() => EntryVerificationType, {
    nullable: true,
    description:
      "Checks that the gateway makes now, in the tree of the page's `root`. Only selected checks are made. Null where `node` is.",
  })
  abstract readonly verification: EntryInTree;
}

@ObjectType("AuditEntryConnection", {
  simpleResolvers: true,
  description:
    "One page of a search. The search is pinned to the tree that it was made on, so its pages stay exact while the log grows.",
})
export abstract class EntryConnectionType {
  @Field(() => ID, {
    description:
      "The handle of the whole pinned result, not an id of this page: pass it to `results(id:)` for other pages, until `expiresAt`.",
  })
  abstract readonly resultId: string;

  @Field(() => DateTimeScalar, { description: "When `resultId` and the cursors expire." })
  abstract readonly expiresAt: string;

  @Field(() => Int, {
    description: "The number of entries in the whole result, counted up to `maxResults`. Counted only if selected.",
  })
  abstract readonly totalCount: number;

  @Field(() => Boolean, {
    description: "Whether more entries match than `maxResults` allows. Determined only if selected.",
  })
  abstract readonly isTruncated: boolean;

  @Field(() => RootType, {
    description: "The root of the tree that the search is pinned to. The proofs on the page's edges lead to it.",
  })
  abstract readonly root: RootNode;

  @Field(() => [EntryEdgeType], { description: "The page's entries with their cursors and proofs." })
  abstract readonly edges: readonly EntryEdge[];

  @Field(() => [EntryType], {
    nullable: "items",
    description: "The page's entries without edges, and so without proofs under the page's `root`.",
  })
  abstract readonly nodes: readonly Shown[];

  @Field(() => CompletenessProofType, {
    nullable: true,
    description:
      "Proves that the page, or `totalCount`, leaves nothing out. Made only if selected. Null, with an error at its path, for a page in another order than RECEIVED_AT, for credentials that may see a part of the log (PROOF_NOT_PERMITTED), and where it cannot be made (PROOF_TOO_LARGE, UNAVAILABLE, UNSUPPORTED).",
  })
  abstract readonly completeness: CompletenessProof;

  @Field(() => HistogramType, {
    nullable: true,
    description:
      "How all matches, whatever `maxResults`, spread over time: over the search's window, or where it is open, up to the log's first and last entry, or the earliest and latest event. Counted only if selected. Null, with an error at its path, where the audit service cannot count (UNSUPPORTED).",
  })
  abstract readonly histogram: Histogram;

  @Field(() => FacetType, {
    nullable: true,
    description:
      "The values of a field among all matches, whatever `maxResults`. Counted only if selected. Null, with an error at its path, where the audit service cannot count (UNSUPPORTED).",
  })
  abstract readonly facet: Facet;

  @Field(() => PageInfoType, { description: "The page's position in the result." })
  abstract readonly pageInfo: PageInfo;
}

@Resolver(() => EntryEdgeType)
export class EntryEdgeResolver {
  /** A cursor names its result and a position in it, and so the entry and the tree. */
  @FieldResolver({ complexity: 8 })
  id(@Parent() edge: EntryEdge): string {
    return this.cursor(edge);
  }

  /** Authenticated, which costs a MAC: computed only if selected. */
  @FieldResolver({ complexity: 8 })
  cursor(@Parent() { result, position }: EntryEdge): string {
    return result.cursor(position);
  }

  @FieldResolver({ complexity: 15 })
  async membershipProof(@Parent() edge: EntryEdge, @Ctx() context: AuditContext): Promise<ProofNode> {
    const { entry, treeSize } = this.verification(edge);
    return membershipProof(entry, await treeSize(), context);
  }

  @FieldResolver({ complexity: 15 })
  verification(@Parent() { node, result, format }: EntryEdge): EntryInTree {
    if (node instanceof GraphQLError) throw node;
    return shownIn(node, format, result.treeSize);
  }
}

@Resolver(() => EntryConnectionType)
export class EntryConnectionResolver {
  @FieldResolver({ complexity: 1 })
  resultId(@Parent() { result }: ResultPage): string {
    return result.id;
  }

  @FieldResolver({ complexity: 1 })
  expiresAt(@Parent() { result }: ResultPage): string {
    return result.expiresAt;
  }

  @FieldResolver({ complexity: 1 })
  totalCount(@Parent() { result }: ResultPage): Promise<number> {
    return result.totalCount();
  }

  @FieldResolver({ complexity: 1 })
  isTruncated(@Parent() { result }: ResultPage): Promise<boolean> {
    return result.isTruncated();
  }

  @FieldResolver({ complexity: 1 })
  async root(@Parent() { result }: ResultPage, @Ctx() { loaders }: AuditContext): Promise<RootNode> {
    return rootNode(await loaders.root(result.log, result.treeSize));
  }

  @FieldResolver({ complexity: 1 })
  async edges(@Parent() page: ResultPage, @Ctx() context: AuditContext): Promise<readonly EntryEdge[]> {
    const { result, firstPosition } = page;
    const [nodes, format] = await Promise.all([shownOn(page, context), context.loaders.format(result.log)]);
    return nodes.map((node, at) => ({ node, result, format, position: firstPosition + at }));
  }

  @FieldResolver({ complexity: 1 })
  nodes(@Parent() page: ResultPage, @Ctx() context: AuditContext): Promise<readonly Shown[]> {
    return shownOn(page, context);
  }

  @FieldResolver({ complexity: 80 })
  completeness(
    @Parent() page: ResultPage,
    @Ctx() { loaders }: AuditContext,
    @Arg("of", () => ProvenPart, { defaultValue: ProvenPart.PAGE, description: "What to prove." }) of: ProvenPart,
  ): Promise<CompletenessProof> {
    return loaders.completeness({ of, page });
  }

  /** Every match is looked at, whatever the number of buckets. */
  @FieldResolver({ complexity: 200 })
  histogram(
    @Parent() { result }: ResultPage,
    @Arg("of", () => WindowTime, { defaultValue: WindowTime.RECEIVED_AT, description: "Of which of an entry's times." })
    of: WindowTime,
    @Arg("buckets", () => Int, { defaultValue: 60, description: BUCKETS }) buckets: number,
  ): Promise<Histogram> {
    return result.histogram({ buckets, of });
  }

  /** Every match is looked at, and every value of the field that the log has. */
  @FieldResolver({ complexity: 400 })
  facet(
    @Parent() { result }: ResultPage,
    @Arg("first", () => Int, { defaultValue: 10, description: VALUES }) first: number,
    @Arg("field", () => FacetFieldName, { description: "The field whose values to count." }) field: FacetFieldName,
  ): Promise<Facet> {
    return result.facet({ field, first });
  }

  @FieldResolver({ complexity: 1 })
  pageInfo(@Parent() { result, firstPosition, leafIndexes, hasNextPage, hasPreviousPage }: ResultPage): PageInfo {
    const empty = leafIndexes.length === 0;
    return {
      hasNextPage,
      hasPreviousPage,
      startCursor: empty ? null : result.cursor(firstPosition),
      endCursor: empty ? null : result.cursor(firstPosition + leafIndexes.length - 1),
    };
  }
}

/**
 * The page's entries in order, read in one call. What a search found is in the log, so a missing entry counts as
 * corrupt; and the search must match it, so an entry that does not match is not shown either.
 */
async function shownOn(page: ResultPage, { loaders }: AuditContext): Promise<readonly Shown[]> {
  const { log } = page.result;
  const outcomes = await loaders.page(page);
  const shown = page.leafIndexes.map(async (leafIndex, at) => {
    const outcome = outcomes[at];
    if (outcome?.kind !== "entry") return corruptEntry(log, leafIndex);
    return (await page.result.matches(outcome.entry)) ? entryNode(outcome.entry) : strayEntry(log, leafIndex);
  });
  return Promise.all(shown);
}
