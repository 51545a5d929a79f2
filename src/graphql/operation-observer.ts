import type { OperationTypeNode } from "graphql";

/** The operation of a request, once it is known. */
export interface ResolvedOperation {
  readonly name: string | undefined;
  readonly type: OperationTypeNode;
}

/** Observes one operation. */
export interface OperationObserver {
  resolved(operation: ResolvedOperation): void;
  /**
   * `code` is `OK` or the code of the first error; `hash` is the document's SHA-256 in hex, if there was one. For a
   * subscription, called when its stream has ended; `events` is how many it had.
   */
  answered(code: string, hash: string | undefined, events?: number): void;
}
