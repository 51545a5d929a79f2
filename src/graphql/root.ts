import { Arg, Ctx, Directive, Field, FieldResolver, ID, ObjectType, Resolver, Root as Parent } from "type-graphql";
import type { IndexRoot } from "../audit/proofs.js";
import type { Root } from "../audit/service.js";
import type { Digest } from "../core/bytes.js";
import type { ConsistencyProof } from "../core/proof.js";
import { ConsistencyProofType } from "./consistency-proof.js";
import type { AuditContext } from "./context.js";
import { globalId } from "./global-id.js";
import { IndexRootType } from "./index-root.js";
import { NodeType } from "./relay.js";
import { RootVerificationType } from "./root-verification.js";
import { DateTimeScalar, DigestScalar, TreeSizeScalar } from "./scalars.js";

/** A root as the API returns it. */
export interface RootNode extends Root {
  readonly __typename: "AuditRoot";
}

export function rootNode(root: Root): RootNode {
  return { ...root, __typename: "AuditRoot" };
}

@ObjectType("AuditRoot", {
  simpleResolvers: true,
  implements: NodeType,
  description:
    "The hash of a log's tree at a size, signed by the log. Keep one, and no change to the entries under it can go unnoticed.",
})
@Directive('@key(fields: "id")')
export abstract class RootType implements NodeType {
  @Field(() => ID, { description: "Opaque id of this root, for `node(id:)` and for other subgraphs." })
  abstract readonly id: string;

  @Field(() => ID, { description: "The log." })
  abstract readonly log: string;

  @Field(() => TreeSizeScalar, {
    description: "The number of entries in the tree: those with leafIndex 0 to treeSize − 1.",
  })
  abstract readonly treeSize: number;

  @Field(() => DigestScalar, { description: "The tree's root hash." })
  abstract readonly hash: Digest;

  @Field(() => String, {
    description:
      "The log's signed statement of origin, size and hash: a C2SP tlog-checkpoint (signed note, Ed25519). Check it with `publicKey`.",
  })
  abstract readonly checkpoint: string;

  @Field(() => DateTimeScalar, { description: "When the tree got this size: receivedAt of its last entry." })
  abstract readonly publishedAt: string;

  @Field(() => String, { description: "The log's name in its checkpoints: their first line." })
  abstract readonly origin: string;

  @Field(() => String, {
    description:
      "The key of the log's checkpoints, as a C2SP verifier key: `origin+key id+base64`. Get it once through a channel that you trust, and keep it.",
  })
  abstract readonly publicKey: string;

  @Field(() => ConsistencyProofType, {
    description: "Proves that the tree of an earlier size is a prefix of this one. The gateway verified it.",
  })
  abstract readonly consistencyProof: ConsistencyProof;

  @Field(() => IndexRootType, {
    nullable: true,
    description:
      "The root of the largest index of these entries that the gateway has. Keep it beside this root: what was searched under it stays provable.",
  })
  abstract readonly index: IndexRoot;

  @Field(() => RootVerificationType, {
    description: "Checks that the gateway makes now. Only selected checks are made.",
  })
  abstract readonly verification: Root;
}

@Resolver(() => RootType)
export class RootResolver {
  @FieldResolver({ complexity: 1 })
  id(@Parent() { log, treeSize }: RootNode): string {
    return globalId({ type: "Root", log, place: treeSize });
  }

  @FieldResolver({ complexity: 1 })
  async origin(@Parent() { log }: RootNode, @Ctx() { service }: AuditContext): Promise<string> {
    return (await service.identity(log)).origin;
  }

  @FieldResolver({ complexity: 1 })
  async publicKey(@Parent() { log }: RootNode, @Ctx() { service }: AuditContext): Promise<string> {
    return (await service.identity(log)).verifierKey;
  }

  @FieldResolver({ complexity: 40 })
  consistencyProof(
    @Parent() { log, treeSize }: RootNode,
    @Ctx() { service }: AuditContext,
    @Arg("fromSize", () => TreeSizeScalar, { description: "The earlier size: 1 to this root's treeSize." })
    fromSize: number,
  ): Promise<ConsistencyProof> {
    return service.consistencyProof({ log, fromSize, toSize: treeSize });
  }

  @FieldResolver({ complexity: 10 })
  index(@Parent() { log, treeSize }: RootNode, @Ctx() { service }: AuditContext): Promise<IndexRoot> {
    return service.indexRoot(log, treeSize);
  }

  @FieldResolver({ complexity: 15 })
  verification(@Parent() root: RootNode): Root {
    return root;
  }
}
