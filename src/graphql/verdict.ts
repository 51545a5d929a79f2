import { Field, ObjectType, registerEnumType } from "type-graphql";
import type { Verdict } from "../core/verdict.js";

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
