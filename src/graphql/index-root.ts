import { Args, ArgsType, Ctx, Field, FieldResolver, Int, ObjectType, Resolver, Root as Parent } from "type-graphql";
import type { IndexRecords, IndexRoot } from "../audit/proofs.js";
import { DEFAULT_PAGE_SIZE } from "../audit/service.js";
import type { Digest } from "../core/bytes.js";
import type { AuditContext } from "./context.js";
import { DigestScalar, TreeSizeScalar } from "./scalars.js";

@ObjectType("AuditIndexRecords", {
  simpleResolvers: true,
  description:
    "Neighbouring records of an index log, proven under its root. With the log's entries anyone can make the segments again that they name, and show a wrong one to anyone (docs/format.md, section 8.6). `auditql audit-index` does that.",
})
export abstract class IndexRecordsType {
  @Field(() => TreeSizeScalar, { description: "The place of the first of them: the number of its base." })
  abstract readonly from: number;

  @Field(() => [String], {
    complexity: 1,
    description:
      "The records as they are hashed: what segments are due there, each by level, number, number of blocks and root. None behind the last one.",
  })
  abstract readonly texts: readonly string[];

  @Field(() => [DigestScalar], {
    complexity: 20,
    description:
      "The hashes that lead from exactly these records to the index's root: of the largest subtrees that hold none of them, left to right. Those before `from` are also that of the index log of that size.",
  })
  abstract readonly path: readonly Uint8Array[];
}

@ObjectType("AuditIndexRoot", {
  simpleResolvers: true,
  description:
    "The root of a log's index log, signed by the log: it fixes every segment of the search index, and so what any search of the entries under it finds (docs/format.md, section 8.4).",
})
export abstract class IndexRootType {
  @Field(() => TreeSizeScalar, {
    description:
      "The number of records, each of 256 entries: it speaks of the entries with leafIndex below 256 times this.",
  })
  abstract readonly treeSize: number;

  @Field(() => DigestScalar, {
    name: "rootHash",
    simple: false,
    complexity: 1,
    description: "The root hash of the records' tree.",
  })
  abstract readonly hash: Digest;

  @Field(() => String, {
    description:
      "The log's signed statement of size and hash: a C2SP tlog-checkpoint whose origin is that of the log followed by `~index-1`. The key is the log's; its key id differs.",
  })
  abstract readonly checkpoint: string;

  @Field(() => IndexRecordsType, {
    nullable: true,
    description:
      "Records of this index log, `first` of them from one on. Only for a credential that may see the whole log: their hashes could confirm a guess at other entries.",
  })
  abstract readonly records: IndexRecords;
}

@ArgsType()
abstract class RecordsArgs {
  @Field(() => TreeSizeScalar, {
    defaultValue: 0,
    description: "The first record: 0 to the index's treeSize. From there, none.",
  })
  abstract readonly from: number;

  @Field(() => Int, { defaultValue: DEFAULT_PAGE_SIZE, description: "The most records: 1 to 1,000." })
  abstract readonly first: number;
}

@Resolver(() => IndexRootType)
export class IndexRootResolver {
  @FieldResolver({ complexity: 40 })
  records(
    @Parent() root: IndexRoot,
    @Ctx() { service }: AuditContext,
    @Args(() => RecordsArgs) { from, first }: RecordsArgs,
  ): Promise<IndexRecords> {
    return service.indexRecords({ root, from, count: first });
  }
}
