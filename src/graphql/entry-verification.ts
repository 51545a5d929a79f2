import { Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from "type-graphql";
import type { Entry } from "../audit/service.js";
import { digestOf, utf8 } from "../core/bytes.js";
import type { LogFormat } from "../core/format.js";
import { membershipVerdict } from "../core/proof.js";
import { membershipTextVerdict } from "../core/proof-text.js";
import { signatureVerdict } from "../core/signature.js";
import { invalid, VALID, type Verdict } from "../core/verdict.js";
import { nodeEd25519 } from "../keys/node-crypto.js";
import type { AuditContext } from "./context.js";
import { membershipProof } from "./membership-proof.js";
import { VerdictType } from "./verdict.js";

const ed25519 = nodeEd25519();

/** An entry to be verified, and the tree to verify it in, which is determined for the checks that need one. */
export interface EntryInTree {
  readonly entry: Entry;
  readonly treeSize: () => Promise<number>;
}

/** An entry under the root of the page or receipt that shows it, or in the only tree that it can be proven in. */
export function shownIn(entry: Entry, treeSize: number): EntryInTree {
  const size = Promise.resolve(entry.provenIn ?? treeSize);
  return { entry, treeSize: () => size };
}

@ObjectType("AuditEntryVerification", {
  simpleResolvers: true,
  description:
    "The gateway's own checks of an entry. To check without trusting the gateway, use `canonical`, `membershipProof` and `AuditRoot.checkpoint`.",
})
export abstract class EntryVerificationType {
  @Field(() => VerdictType, { description: "Whether `canonical` hashes to the entry's leaf hash." })
  abstract readonly hash: Verdict;

  @Field(() => VerdictType, {
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
  @FieldResolver({ complexity: 15 })
  async hash(@Root() { entry }: EntryInTree, @Ctx() context: AuditContext): Promise<Verdict> {
    return hashVerdict(await formatOf(entry, context), entry);
  }

  @FieldResolver({ complexity: 40 })
  async signature(@Root() { entry }: EntryInTree, @Ctx() context: AuditContext): Promise<Verdict> {
    return signatureVerdict(entry.envelope, await formatOf(entry, context), ed25519);
  }

  @FieldResolver({ complexity: 10 })
  async membership(@Root() { entry, treeSize }: EntryInTree, @Ctx() context: AuditContext): Promise<Verdict> {
    const size = await treeSize();
    const [proof, root, format] = await Promise.all([
      membershipProof(entry, size, context),
      context.loaders.root(entry.log, size),
      formatOf(entry, context),
    ]);
    if (digestOf(proof.rootHash) !== root.hash) return invalid("ROOT_MISMATCH");
    if (digestOf(proof.leafHash) !== entry.hash) return invalid("HASH_MISMATCH");
    const { text } = proof;
    return text === undefined ? membershipVerdict(format, proof) : membershipTextVerdict(format, { ...proof, text });
  }

  /** A service that proves an entry in one tree alone proves only single steps of growth: that of the entry's own leaf. */
  @FieldResolver({ complexity: 1 })
  async consistency(@Root() { entry, treeSize }: EntryInTree, @Ctx() { loaders }: AuditContext): Promise<Verdict> {
    const grownTo = entry.provenIn === undefined ? await treeSize() : entry.leafIndex + 1;
    return loaders.consistency.load({ log: entry.log, at: grownTo });
  }
}

async function formatOf({ log }: Entry, { service }: AuditContext): Promise<LogFormat> {
  return (await service.identity(log)).format;
}

function hashVerdict(format: LogFormat, { canonical, hash }: Entry): Verdict {
  return digestOf(format.leafHash(utf8(canonical))) === hash ? VALID : invalid("HASH_MISMATCH");
}
