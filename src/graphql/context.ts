import type { MakeLink } from "../audit/download-link.js";
import type { AuditService } from "../audit/service.js";
import { Loaders } from "./loaders.js";
import type { OperationObserver } from "./operation-observer.js";

/** What all resolvers of one request share. Made for each request, so that no loader outlives it. */
export interface AuditContext {
  readonly service: AuditService;
  readonly loaders: Loaders;
  /** Whether the caller may see the schema. */
  readonly maySeeSchema: boolean;
  /** False for an operation that is only being prepared. */
  readonly executes: boolean;
  /** Observes the request's operation. */
  readonly operation?: OperationObserver;
  /** Makes links to files; undefined where that is impossible. */
  readonly downloadLink?: MakeLink;
  /** The bytes of the request's body. Default 0. */
  readonly bodyBytes?: number;
}

/** The context of a subscription's event source. */
export interface StreamContext extends AuditContext {
  /** Aborts when no one follows any more. */
  readonly signal: AbortSignal;
}

export function auditContext(service: AuditService, maySeeSchema = false): AuditContext {
  return { service, loaders: new Loaders(service), maySeeSchema, executes: true };
}
