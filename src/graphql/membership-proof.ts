import { Field, FieldResolver, ObjectType, Resolver, Root } from "type-graphql";
import { badInput } from "../audit/errors.js";
import type { Entry, EntryProof } from "../audit/service.js";
import { membershipText } from "../core/proof-text.js";
import type { AuditContext } from "./context.js";
import { DigestScalar, LeafIndexScalar, TreeSizeScalar } from "./scalars.js";

@ObjectType("MembershipProof", {
  simpleResolvers: true,
  description:
    "Proves that an entry is in the tree of a size (an inclusion proof in the terms of RFC 9162): hashing `leafHash` with the `path` leads to `rootHash` (RFC 9162, section 2.1.3).",
})
export abstract class MembershipProofType {
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

@Resolver(() => MembershipProofType)
export class MembershipProofResolver {
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
): Promise<EntryProof> {
  if (treeSize > leafIndex) return loaders.membership.load({ log, treeSize, leafIndex, hash });
  const expected = `more than the entry's leaf index ${leafIndex}`;
  throw badInput([{ path: "treeSize", expected, got: String(treeSize) }]);
}
