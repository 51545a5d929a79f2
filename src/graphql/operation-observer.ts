import type { OperationTypeNode } from "graphql";

/** The operation of a request, once it is known. */
export interface ResolvedOperation {
  readonly name: string | undefined;
  readonly type: OperationTypeNode;
}

/** Told how one operation fares. */
export interface OperationObserver {
  resolved(operation: ResolvedOperation): void;
  /**
   * `code` is `OK`, or that of the first error; `hash` is that of the document (SHA-256, hex), if there was one. A
   * subscription is answered when its stream has ended; `events` is how many it had.
   */
  answered(code: string, hash: string | undefined, events?: number): void;
}
