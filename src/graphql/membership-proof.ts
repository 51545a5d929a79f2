import { Ctx, Field, FieldResolver, ID, ObjectType, Resolver, Root } from "type-graphql";
import { badInput } from "../audit/errors.js";
import type { EntryProof } from "../audit/proofs.js";
import type { Entry } from "../audit/service.js";
import { digestOf } from "../core/bytes.js";
import { membershipText } from "../core/proof-text.js";
import type { AuditContext } from "./context.js";
import { rootNode, RootType, type RootNode } from "./root.js";
import { DigestScalar, LeafIndexScalar, TreeSizeScalar } from "./scalars.js";

@ObjectType("AuditMembershipProof", {
  simpleResolvers: true,
  description:
    "Proves that an entry is in the tree of a size (an inclusion proof in the terms of RFC 9162): hashing `leafHash` with the `path` leads to `rootHash` (RFC 9162, section 2.1.3).",
})
export abstract class MembershipProofType {
  @Field(() => ID, {
    description: "For caches: what has the same id is the same proof, of the same entry in the same tree.",
  })
  abstract readonly id: string;

  @Field(() => LeafIndexScalar, { description: "The entry's index in the log." })
  abstract readonly leafIndex: number;

  @Field(() => TreeSizeScalar, { description: "The number of entries in the tree." })
  abstract readonly treeSize: number;

  @Field(() => DigestScalar, { description: "The entry's leaf hash, where the path begins." })
  abstract readonly leafHash: Uint8Array;

  @Field(() => DigestScalar, {
    description: "The root hash, where the path must end; equal to that of `root(treeSize:)`.",
  })
  abstract readonly rootHash: Uint8Array;

  @Field(() => RootType, { description: "The signed root that the proof leads to." })
  abstract readonly root: RootNode;

  @Field(() => [DigestScalar], {
    complexity: 20,
    description:
      "The sibling hashes from the leaf up, in RFC 9162 order. Left or right follows from leafIndex and treeSize.",
  })
  abstract readonly path: readonly Uint8Array[];

  @Field(() => String, {
    description: "The path as the Pangea protocol writes it: `l:` or `r:` before each hash, joined by commas.",
  })
  abstract readonly text: string;
}

/** A proof as the API returns it. */
export interface ProofNode extends EntryProof {
  readonly log: string;
}

@Resolver(() => MembershipProofType)
export class MembershipProofResolver {
  @FieldResolver({ complexity: 1 })
  id(@Root() { log, leafIndex, treeSize, leafHash }: ProofNode): string {
    return Buffer.from(`${leafIndex}:${treeSize}:${digestOf(leafHash)}:${log}`).toString("base64url");
  }

  @FieldResolver({ complexity: 1 })
  async root(@Root() { log, treeSize }: ProofNode, @Ctx() { loaders }: AuditContext): Promise<RootNode> {
    return rootNode(await loaders.root(log, treeSize));
  }

  @FieldResolver({ complexity: 10 })
  text(@Root() proof: EntryProof): string {
    return proof.text ?? membershipText(proof);
  }
}

/**
 * The entry's proof in a tree, loaded together with those of its neighbours. Rejects with BAD_USER_INPUT if the tree
 * does not include the entry.
 */
export async function membershipProof(
  { log, leafIndex, hash }: Entry,
  treeSize: number,
  { loaders }: AuditContext,
): Promise<ProofNode> {
  if (treeSize > leafIndex) return { ...(await loaders.membership.load({ log, treeSize, leafIndex, hash })), log };
  const expected = `more than the entry's leaf index ${leafIndex}`;
  throw badInput([{ path: "treeSize", expected, got: String(treeSize) }]);
}
