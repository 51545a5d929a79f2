import type { Digest } from "../core/bytes.js";
import type { MembershipProof } from "../core/proof.js";
import type { Verdict } from "../core/verdict.js";
import type { Answer, Question } from "../core/segment/answer.js";

/** Several membership proofs against one tree size, read in one batch. */
export interface ProofRequest {
  readonly log: string;
  readonly treeSize: number;
  readonly leafIndexes: readonly number[];
  /** The hashes of the entries in the same order: needed where several may lie under one leaf, else not looked at. */
  readonly hashes?: readonly Digest[];
}

/** Entries by index and hash, and the tree to look for them in. */
export interface MembershipRequest extends ProofRequest {
  readonly hashes: readonly Digest[];
}

/** A proof, and its text where the path alone does not say it: a backend's tree may have trees under its leaves. */
export interface EntryProof extends MembershipProof {
  readonly text?: string;
}

/** 1 <= fromSize <= toSize <= the newest size. */
export interface ConsistencyRequest {
  readonly log: string;
  readonly fromSize: number;
  readonly toSize: number;
}

/** The root of a log's index log, which names the segments of its search index: of `treeSize` bases of 256 entries. */
export interface IndexRoot {
  readonly log: string;
  readonly treeSize: number;
  readonly hash: Digest;
  /** C2SP tlog-checkpoint of the origin `<origin>~index-1`, signed with the log's key. */
  readonly checkpoint: string;
}

/** Neighbouring records of an index log: `count` from one on, as many as there are. */
export interface IndexRecordsRequest {
  /** As this service returned it. */
  readonly root: IndexRoot;
  /** 0 to the root's size. */
  readonly from: number;
  /** 1 to 1,000. */
  readonly count: number;
}

/** Records with the hashes that lead from exactly these to the index's root: none where there is no record. */
export interface IndexRecords {
  readonly from: number;
  /** As they are hashed: format 1, The index log. */
  readonly texts: readonly string[];
  /** Of the largest subtrees that hold none of them, left to right. */
  readonly path: readonly Uint8Array[];
}

/** The members of a `ResultPage` that identify the page. */
export interface ProvablePage {
  readonly result: { readonly id: string };
  readonly leafIndexes: readonly number[];
  /** The size that was asked for, and whether it counts from the end. Undefined where no page can be proven complete. */
  readonly size?: { readonly limit: number; readonly isFromEnd: boolean };
  readonly firstPosition: number;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/**
 * What to prove complete: a page or the count of a result. Refused with BAD_USER_INPUT for a page that is not in the
 * order of receivedAt, with PROOF_NOT_PERMITTED for callers who may not see the whole log, with PROOF_TOO_LARGE, and
 * with UNAVAILABLE while too much of the log is not indexed.
 */
export interface CompletenessRequest {
  readonly of: "page" | "totalCount";
  /** A `ResultPage` that this service returned, unchanged. */
  readonly page: ProvablePage;
}

/** What `verifyAnswer` checks, besides the log's root of `treeSize`. */
export interface CompletenessProof {
  readonly log: string;
  readonly treeSize: number;
  readonly question: Question;
  readonly answer: Answer;
  readonly index: IndexRoot;
  readonly proof: Uint8Array;
  /**
   * The verdict of the service's own check against both roots. Our own engine returns only proofs whose verdict is
   * VALID.
   */
  readonly verdict: Verdict;
}
