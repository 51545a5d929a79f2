import { Field, ObjectType, registerEnumType } from "type-graphql";
import type { Entry } from "../audit/service.js";
import { digestOf, utf8 } from "../core/bytes.js";
import type { Envelope } from "../core/event.js";
import type { LogFormat } from "../core/format.js";
import { signatureVerdict } from "../core/signature.js";
import { invalid, VALID, type Verdict } from "../core/verdict.js";
import { nodeEd25519 } from "../keys/node-crypto.js";

export const VerdictStatus = { VALID: "VALID", INVALID: "INVALID", UNKNOWN: "UNKNOWN" } as const;

registerEnumType(VerdictStatus, {
  name: "AuditVerdictStatus",
  description: "The result of one check. Checks are never merged into a single yes or no.",
  valuesConfig: {
    VALID: { description: "Checked and correct." },
    INVALID: { description: "Checked and wrong: treat what was checked as forged or damaged." },
    UNKNOWN: { description: "There was nothing to check, for example an entry without a signature." },
  },
});

@ObjectType("AuditVerdict", { simpleResolvers: true, description: "The outcome of one check." })
export abstract class VerdictType {
  @Field(() => VerdictStatus, { complexity: 1, name: "status", simple: false, description: "The result of the check." })
  abstract readonly kind: Verdict["kind"];

  @Field(() => String, {
    nullable: true,
    description:
      "Why it is not VALID, as a code such as `NO_SIGNATURE` or `ROOT_MISMATCH`; null when VALID. Codes are added over time, never renamed.",
  })
  abstract readonly reason: string | null;
}

const ed25519 = nodeEd25519();

/** The checks of an entry that need no tree, each made when it is first read. */
export class EntryChecks {
  #hash: Verdict | undefined;
  #signature: Verdict | undefined;

  private constructor(
    private readonly entry: Pick<Entry, "canonical" | "hash" | "envelope">,
    private readonly format: LogFormat,
  ) {}

  /** Made once for an entry that stays in memory: it is shown again and again, and nothing of it changes. */
  static of({ canonical, hash, envelope }: Entry, format: LogFormat): EntryChecks {
    const known = MADE.get(envelope);
    const isSame = known?.format === format && known.entry.hash === hash && known.entry.canonical === canonical;
    if (isSame) return known;
    const made = new EntryChecks({ canonical, hash, envelope }, format);
    MADE.set(envelope, made);
    return made;
  }

  get hash(): Verdict {
    return (this.#hash ??= this.#checkHash());
  }

  get signature(): Verdict {
    return (this.#signature ??= signatureVerdict(this.entry.envelope, this.format, ed25519));
  }

  #checkHash(): Verdict {
    const { canonical, hash } = this.entry;
    return digestOf(this.format.leafHash(utf8(canonical))) === hash ? VALID : invalid("HASH_MISMATCH");
  }
}

const MADE = new WeakMap<Envelope, EntryChecks>();
