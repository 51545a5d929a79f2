import type { Logger } from "pino";
import {
  authenticate,
  challenge,
  unauthenticated,
  type Access,
  type CredentialHeaders,
} from "../access/authenticate.js";
import type { CredentialOutcome, Refusal } from "../access/credential.js";
import { recordingReads, type ReadLog } from "../access/disclosure-log.js";
import type { EventRate } from "../access/rate.js";
import { ScopedService } from "../access/scoped-service.js";
import { AuditError } from "../audit/errors.js";
import type { Principal } from "../audit/principal.js";
import type { AuditService } from "../audit/service.js";

/** What decides who is let in, and to what. */
export interface Door {
  readonly access: Access;
  readonly service: AuditService;
  readonly logger: Logger;
  /** Where it is recorded what each principal is shown. Undefined: readings are not recorded. */
  readonly readLog: ReadLog | undefined;
  /** How fast each principal may log, over all transports together. Undefined: no limit. */
  readonly eventRate: EventRate | undefined;
}

/** Who sent a request, and the audit service as they may use it. */
export interface Caller {
  readonly principal: Principal;
  readonly service: AuditService;
}

/** Rejects with AuditError UNAUTHENTICATED, FORBIDDEN or UNAVAILABLE. */
export type Admit = (headers: CredentialHeaders) => Promise<Caller>;

/** UNAUTHENTICATED, with what HTTP says of it to a client that could do better (RFC 9110 section 11.6.1). */
export class Unauthenticated extends AuditError {
  readonly challenge: string;

  constructor(reason: Refusal) {
    super("UNAUTHENTICATED", unauthenticated(reason).message);
    this.challenge = challenge(reason);
  }
}

/** The gateway's door: nothing of a request but its headers is read before it is known who sent it. */
export function admission(door: Door): Admit {
  return async (headers) => {
    const principal = await identify(headers, door);
    return { principal, service: serviceFor(principal, door) };
  };
}

/** The audit service as a principal may use it in one request; what it is shown is recorded. */
export function serviceFor(principal: Principal, { service, readLog, eventRate }: Door): AuditService {
  const now = (): number => Date.now();
  const admitEvents = (count: number) => eventRate?.take(principal.id, count);
  const scoped = new ScopedService(service, { principal, now, admitEvents, closedLog: readLog?.log });
  return readLog === undefined ? scoped : recordingReads(scoped, readLog.recorder(principal));
}

/** Who sent these headers. Rejects with AuditError UNAUTHENTICATED, FORBIDDEN or UNAVAILABLE. */
export async function identify(headers: CredentialHeaders, { access, logger }: Door): Promise<Principal> {
  const outcome = await authenticate(headers, access, Date.now()).catch((error: unknown) => cannotTell(error, logger));
  return requirePrincipal(outcome, logger);
}

/** Whom a credential belongs to. Throws AuditError UNAUTHENTICATED or FORBIDDEN. */
export function requirePrincipal(outcome: CredentialOutcome, logger: Logger): Principal {
  if (outcome.kind === "principal") return outcome.principal;
  const { reason, because } = outcome;
  if (because !== undefined) logger.warn({ because }, "a verified credential was refused");
  // No credential would help who asked by a wrong name.
  throw reason === "host" ? new AuditError("FORBIDDEN", unauthenticated(reason).message) : new Unauthenticated(reason);
}

/** The client is told to come back; the operator is told why. */
function cannotTell(error: unknown, logger: Logger): never {
  if (!(error instanceof AuditError)) throw error;
  logger.error({ cause: String(error.cause) }, error.message);
  throw new AuditError(error.code, error.message, { retryAfterMs: error.retryAfterMs ?? 1_000, cause: error });
}
