import type { AuditService } from "../audit/service.js";
import { Loaders } from "./loaders.js";

/** What every resolver of one request shares. Made anew for each request, so no loader outlives it. */
export interface AuditContext {
  readonly service: AuditService;
  readonly loaders: Loaders;
}

export function auditContext(service: AuditService): AuditContext {
  return { service, loaders: new Loaders(service) };
}
