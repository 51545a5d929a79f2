import { Arg, Ctx, Directive, Field, FieldResolver, ID, ObjectType, Resolver, Root } from "type-graphql";
import { badInput } from "../audit/errors.js";
import type { EntryProof } from "../audit/proofs.js";
import type { Entry } from "../audit/service.js";
import { digestOf, type Digest } from "../core/bytes.js";
import type { AuditEvent } from "../core/event.js";
import type { LogFormat } from "../core/format.js";
import type { Json } from "../core/json.js";
import { membershipText } from "../core/proof-text.js";
import type { Verdict } from "../core/verdict.js";
import type { AuditContext, ProofKey } from "./context.js";
import { EventType } from "./event.js";
import { globalId } from "./global-id.js";
import { NodeType } from "./relay.js";
import { rootNode, RootType, type RootNode } from "./root.js";
import { DateTimeScalar, DigestScalar, LeafIndexScalar, TreeSizeScalar, JsonScalar } from "./scalars.js";
import { EntryChecks, VerdictType } from "./verdict.js";

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
export async function membershipProof(entry: Entry, treeSize: number, { loaders }: AuditContext): Promise<ProofNode> {
  return { ...(await loaders.membership.load(proofKey(entry, treeSize))), log: entry.log };
}

/** Throws BAD_USER_INPUT if the tree does not include the entry. */
function proofKey({ log, leafIndex, hash }: Entry, treeSize: number): ProofKey {
  if (treeSize > leafIndex) return { log, treeSize, leafIndex, hash };
  const expected = `more than the entry's leaf index ${leafIndex}`;
  throw badInput([{ path: "treeSize", expected, got: String(treeSize) }]);
}

/** An entry as the API returns it. */
export interface EntryNode extends Entry {
  readonly __typename: "AuditEntry";
  readonly event: AuditEvent;
  readonly receivedAt: string;
  readonly malformed: Json | undefined;
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
    malformed: envelope.err,
    signature: envelope.signature,
    publicKey: envelope.public_key,
    provenIn,
  };
}

/**
 * An entry to be verified, and the tree to verify it in, which is determined for the checks that need one. Compiled operations
 * read a property for each field that is selected of it.
 */
export class EntryInTree {
  #checks: EntryChecks | undefined;

  constructor(
    readonly entry: Entry,
    private readonly format: LogFormat,
    readonly treeSize: () => number | Promise<number>,
  ) {}

  get hash(): Verdict {
    return this.#own.hash;
  }

  get signature(): Verdict {
    return this.#own.signature;
  }

  get #own(): EntryChecks {
    return (this.#checks ??= EntryChecks.of(this.entry, this.format));
  }
}

/** An entry under the root of the page or receipt that shows it, or in the only tree that it can be proven in. */
export function shownIn(entry: Entry, format: LogFormat, treeSize: number): EntryInTree {
  return new EntryInTree(entry, format, () => entry.provenIn ?? treeSize);
}

@ObjectType("AuditEntryVerification", {
  simpleResolvers: true,
  description:
    "The gateway's own checks of an entry. To check without trusting the gateway, use `canonical`, `membershipProof` and `AuditRoot.checkpoint`.",
})
export abstract class EntryVerificationType {
  @Field(() => VerdictType, { complexity: 15, description: "Whether `canonical` hashes to the entry's leaf hash." })
  abstract readonly hash: Verdict;

  @Field(() => VerdictType, {
    complexity: 40,
    description: "Whether the author's signature over the event verifies; UNKNOWN if there is none.",
  })
  abstract readonly signature: Verdict;

  @Field(() => VerdictType, {
    description: "Whether the leaf is in the tree, under the root that the log signed.",
  })
  abstract readonly membership: Verdict;

  @Field(() => VerdictType, {
    description: "Whether that tree is a prefix of the newest tree that the log signed.",
  })
  abstract readonly consistency: Verdict;
}

@Resolver(() => EntryVerificationType)
export class EntryVerificationResolver {
  @FieldResolver({ complexity: 10 })
  membership(@Root() { entry, treeSize }: EntryInTree, @Ctx() { loaders }: AuditContext): Promise<Verdict> {
    return withSize(treeSize(), (size) => loaders.membershipVerdicts.load(proofKey(entry, size)));
  }

  /** A service that proves an entry in one tree alone proves only single steps of growth: that of the entry's own leaf. */
  @FieldResolver({ complexity: 1 })
  consistency(@Root() { entry, treeSize }: EntryInTree, @Ctx() { loaders }: AuditContext): Promise<Verdict> {
    const grownTo = entry.provenIn === undefined ? treeSize() : entry.leafIndex + 1;
    return withSize(grownTo, (size) => loaders.consistency(entry.log, size));
  }
}

/** A size that is known is not waited for: a page of 50 asks a hundred times. */
function withSize<T>(size: number | Promise<number>, ask: (size: number) => Promise<T>): Promise<T> {
  return typeof size === "number" ? ask(size) : size.then(ask);
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

  @Field(() => JsonScalar, {
    nullable: true,
    description:
      "The values of the event that did not fit the log's schema and were kept beside it: a list of objects with `error`, `field` and `value`. Null for an event that fitted.",
  })
  abstract readonly malformed: Json | undefined;

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
  async verification(
    @Root() entry: EntryNode,
    @Ctx() context: AuditContext,
    @Arg("treeSize", () => TreeSizeScalar, { nullable: true, description: TREE_SIZE }) treeSize?: number | null,
  ): Promise<EntryInTree> {
    const format = await context.loaders.format(entry.log);
    return new EntryInTree(entry, format, async () => treeSize ?? newestSize(entry, context));
  }
}

/** A tree that has the entry, which may have been logged after the request first read the newest root. */
async function newestSize({ log, leafIndex }: Entry, { loaders }: AuditContext): Promise<number> {
  return (await loaders.rootWith(log, leafIndex)).treeSize;
}
