import { Field, ObjectType } from "type-graphql";
import type { Digest } from "../core/bytes.js";
import { DigestScalar, TreeSizeScalar } from "./scalars.js";

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
}
