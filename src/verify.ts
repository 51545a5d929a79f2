/** `auditql/verify`: checks what a gateway returned, trusting nothing but the log's key. For browsers and Node. */
export type { EntryClaim, RootClaim, TreeClaim } from "./core/claim.js";
export type { Check } from "./core/evidence/checks.js";
export type { Answer, Question } from "./core/segment/answer.js";
export type { SegmentFilter } from "./core/segment/filter.js";
export type { FormatName } from "./core/format.js";
export type { ReasonCode, Verdict } from "./core/verdict.js";
export {
  verifyCompleteness,
  type CompletenessClaim,
  type CompletenessVerdicts,
  type ShownAnswer,
} from "./core/verify-completeness.js";
export { verifyResponse, type GatewayResponse } from "./core/verify-response.js";
export {
  checkpointVerdict,
  trustLog,
  trustVerifierKey,
  verifyEntry,
  verifyRoot,
  type Crypto,
  type EntryVerdicts,
  type LogIdentity,
  type RootVerdicts,
  type TrustedLog,
} from "./core/verify.js";
