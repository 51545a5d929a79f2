/** Why a check did not return VALID. Codes are part of the API: new ones may be added, none is renamed. */
export type ReasonCode =
  | "HASH_MISMATCH" // the canonical bytes do not hash to the leaf
  | "NOT_CANONICAL" // the bytes are not the canonical form of an envelope
  | "NO_SIGNATURE" // the envelope carries neither signature nor public key
  | "INCOMPLETE_SIGNATURE" // the envelope carries only one of the two
  | "MALFORMED_SIGNATURE" // not base64 of 64 bytes
  | "MALFORMED_PUBLIC_KEY" // not a key in one of the accepted spellings
  | "SIGNATURE_MISMATCH" // well-formed, but does not verify
  | "INDEX_OUT_OF_RANGE" // leaf index or size outside the claimed tree
  | "PROOF_LENGTH" // a path with more or fewer hashes than (index, size) need
  | "MALFORMED_PROOF" // not in the only accepted spelling
  | "ROOT_MISMATCH" // the path leads to another root
  | "OLD_ROOT_MISMATCH" // the consistency proof does not rebuild the old root
  | "NEW_ROOT_MISMATCH" // the consistency proof does not rebuild the new root
  | "MALFORMED_CHECKPOINT" // not a signed note in canonical spelling
  | "UNKNOWN_KEY" // no signature line by the log's key
  | "CHECKPOINT_MISMATCH" // the checkpoint is for another log, size or root
  | "INDEX_AHEAD_OF_LOG" // completeness: the index speaks of entries that the log's root does not hold
  | "RANGE_MISMATCH" // completeness: the part that is proven does not decide the answer
  | "WINDOW_MISMATCH" // completeness: the leaves are not those of the window of time
  | "ENTRY_MISMATCH" // completeness: the entries are not exactly those needed, or not of the log's root
  | "RECORD_MISMATCH" // completeness: the records are not exactly those needed, or not of the index's root
  | "SEGMENT_MISMATCH" // completeness: a segment's header or blocks are not those of its record
  | "NOT_TILED" // completeness: the segments leave a gap, overlap, or reach beyond what is asked
  | "MALFORMED_SEGMENT" // completeness: bytes that no writer of segments writes: the log signed a wrong segment
  | "MISSING_BLOCK" // completeness: the search reads a block that the proof does not hold
  | "ANSWER_MISMATCH" // completeness: the search finds something else
  | "QUESTION_MISMATCH" // completeness: what is proven is the answer to another question
  | "MALFORMED_QUESTION" // completeness: the question is not in the only accepted spelling
  | "MALFORMED_EVIDENCE" // a download that cannot be read, or breaks off
  | "AS_SIGNED" // fraud: the entries make the segment that the log signed
  | "NO_PROOF" // there is nothing to check
  | "EMPTY_TREE"; // the old tree is empty: a prefix of every tree, so nothing is proven

/** The outcome of one check. Outcomes are never merged into a single "ok". */
export type Verdict =
  | { readonly kind: "VALID" }
  | { readonly kind: "INVALID"; readonly reason: ReasonCode }
  | { readonly kind: "UNKNOWN"; readonly reason: ReasonCode };

export const VALID: Verdict = Object.freeze({ kind: "VALID" });
export const invalid = (reason: ReasonCode): Verdict => ({ kind: "INVALID", reason });
export const unknown = (reason: ReasonCode): Verdict => ({ kind: "UNKNOWN", reason });
