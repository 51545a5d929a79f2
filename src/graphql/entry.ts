import { Arg, Ctx, Directive, Field, FieldResolver, ID, ObjectType, Resolver, Root } from "type-graphql";
import type { Entry } from "../audit/service.js";
import type { Digest } from "../core/bytes.js";
import type { AuditEvent } from "../core/event.js";
import type { AuditContext } from "./context.js";
import { EntryVerificationType, type EntryInTree } from "./entry-verification.js";
import { EventType } from "./event.js";
import { globalId } from "./global-id.js";
import { membershipProof, MembershipProofType, type ProofNode } from "./membership-proof.js";
import { NodeType } from "./relay.js";
import { DateTimeScalar, DigestScalar, LeafIndexScalar, TreeSizeScalar } from "./scalars.js";

/** An entry as the API returns it. */
export interface EntryNode extends Entry {
  readonly __typename: "AuditEntry";
  readonly event: AuditEvent;
  readonly receivedAt: string;
  readonly signature: string | undefined;
  readonly publicKey: string | undefined;
}

/** Written out member by member: spreading would cost more than all other work on a plain entry of a page. */
export function entryNode({ log, leafIndex, hash, canonical, envelope, provenIn }: Entry): EntryNode {
  return {
    __typename: "AuditEntry",
    log,
    leafIndex,
    hash,
    canonical,
    envelope,
    event: envelope.event,
    receivedAt: envelope.received_at,
    signature: envelope.signature,
    publicKey: envelope.public_key,
    provenIn,
  };
}

const TREE_SIZE =
  "The size of the tree to prove it in, larger than `leafIndex`. Default: that of the newest root, wherever the entry was read.";

@ObjectType("AuditEntry", {
  simpleResolvers: true,
  implements: NodeType,
  description: "An event at its index in a log, as it was received, signed and hashed. It never changes.",
})
@Directive('@key(fields: "id")')
export abstract class EntryType implements NodeType {
  @Field(() => ID, { description: "Opaque id of this entry, for `node(id:)` and for other subgraphs." })
  abstract readonly id: string;

  @Field(() => ID, { description: "The log that holds it." })
  abstract readonly log: string;

  @Field(() => LeafIndexScalar, {
    description: "Its index in the log, from 0 without gaps. This is the order of the log.",
  })
  abstract readonly leafIndex: number;

  @Field(() => DigestScalar, { description: "Its leaf hash: the hash of `canonical` under the log's format." })
  abstract readonly hash: Digest;

  @Field(() => EventType, { description: "What happened, as the application said." })
  abstract readonly event: AuditEvent;

  @Field(() => DateTimeScalar, {
    description: "When the log received it: UTC with six fractional digits, never earlier than the previous entry.",
  })
  abstract readonly receivedAt: string;

  @Field(() => String, {
    nullable: true,
    description: "Ed25519 signature over the canonical JSON of the event, base64.",
  })
  abstract readonly signature: string | undefined;

  @Field(() => String, { nullable: true, description: "The public key of `signature`, as the caller sent it." })
  abstract readonly publicKey: string | undefined;

  @Field(() => String, {
    description:
      "The exact text whose UTF-8 bytes were hashed: canonical JSON (RFC 8785) of event, receivedAt and signature. Hash this, never a re-serialised event.",
  })
  abstract readonly canonical: string;

  @Field(() => MembershipProofType, {
    description:
      "Proves that the entry is in the tree of a size: an inclusion proof in the terms of RFC 9162. The gateway verified it. Proofs under the root of a page or a receipt are on `AuditEntryEdge` and `AuditLogPayload`.",
  })
  abstract readonly membershipProof: ProofNode;

  @Field(() => EntryVerificationType, {
    description: "Checks that the gateway makes now. Only selected checks are made.",
  })
  abstract readonly verification: EntryInTree;
}

@Resolver(() => EntryType)
export class EntryResolver {
  @FieldResolver({ complexity: 1 })
  id(@Root() { log, leafIndex }: EntryNode): string {
    return globalId({ type: "Entry", log, place: leafIndex });
  }

  @FieldResolver({ complexity: 15 })
  async membershipProof(
    @Root() entry: EntryNode,
    @Ctx() context: AuditContext,
    @Arg("treeSize", () => TreeSizeScalar, { nullable: true, description: TREE_SIZE }) treeSize?: number | null,
  ): Promise<ProofNode> {
    return membershipProof(entry, treeSize ?? (await newestSize(entry, context)), context);
  }

  @FieldResolver({ complexity: 15 })
  verification(
    @Root() entry: EntryNode,
    @Ctx() context: AuditContext,
    @Arg("treeSize", () => TreeSizeScalar, { nullable: true, description: TREE_SIZE }) treeSize?: number | null,
  ): EntryInTree {
    return { entry, treeSize: async () => treeSize ?? newestSize(entry, context) };
  }
}

/** A tree that has the entry, which may have been logged after the request first read the newest root. */
async function newestSize({ log, leafIndex }: Entry, { loaders }: AuditContext): Promise<number> {
  return (await loaders.rootWith(log, leafIndex)).treeSize;
}
