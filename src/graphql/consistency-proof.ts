import { Field, FieldResolver, ObjectType, Resolver, Root } from "type-graphql";
import type { ConsistencyProof } from "../core/proof.js";
import { consistencyText } from "../core/proof-text.js";
import { DigestScalar, TreeSizeScalar } from "./scalars.js";

@ObjectType("AuditConsistencyProof", {
  simpleResolvers: true,
  description:
    "Proves that an old tree is a prefix of a newer one: nothing was changed, removed or reordered in between (RFC 9162, section 2.1.4).",
})
export abstract class ConsistencyProofType {
  @Field(() => TreeSizeScalar, { description: "The number of entries in the old tree." })
  abstract readonly fromSize: number;

  @Field(() => TreeSizeScalar, { description: "The number of entries in the newer tree." })
  abstract readonly toSize: number;

  @Field(() => DigestScalar, { description: "The old tree's root hash: compare it with the one you kept." })
  abstract readonly fromHash: Uint8Array;

  @Field(() => DigestScalar, { description: "The newer tree's root hash." })
  abstract readonly toHash: Uint8Array;

  @Field(() => [DigestScalar], {
    complexity: 20,
    description: "The proof's hashes in RFC 9162 order; empty when both sizes are equal.",
  })
  abstract readonly path: readonly Uint8Array[];

  @Field(() => [String], {
    description: "The proof as the Pangea protocol writes it: one line for each perfect subtree of the old tree.",
  })
  abstract readonly text: readonly string[];
}

@Resolver(() => ConsistencyProofType)
export class ConsistencyProofResolver {
  @FieldResolver({ complexity: 10 })
  text(@Root() proof: ConsistencyProof): readonly string[] {
    return consistencyText(proof);
  }
}
