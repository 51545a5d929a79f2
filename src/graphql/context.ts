import type { MakeLink } from "../audit/download-link.js";
import type { AuditService } from "../audit/service.js";
import { Loaders } from "./loaders.js";
import type { OperationObserver } from "./operation-observer.js";

/** What every resolver of one request shares. Made anew for each request, so no loader outlives it. */
export interface AuditContext {
  readonly service: AuditService;
  readonly loaders: Loaders;
  /** Whether the asker may be told what the schema is. */
  readonly maySeeSchema: boolean;
  /** False for an operation that is only being made ready. */
  readonly executes: boolean;
  /** Told how the request's operation fares. */
  readonly operation?: OperationObserver;
  /** Makes links to files. Undefined where none can be made. */
  readonly downloadLink?: MakeLink;
}

/** What the source of a subscription's events has beside that. */
export interface StreamContext extends AuditContext {
  /** Aborts when nobody follows any more. */
  readonly signal: AbortSignal;
}

export function auditContext(service: AuditService, maySeeSchema = false): AuditContext {
  return { service, loaders: new Loaders(service), maySeeSchema, executes: true };
}
