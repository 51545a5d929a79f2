import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
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

/** What decides who is admitted, and to what. */
export interface Door {
  readonly access: Access;
  readonly service: AuditService;
  readonly logger: Logger;
  /** Records what each principal is shown. Undefined: reads are not recorded. */
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

/** UNAUTHENTICATED, with the headers that tell a client how to authenticate (RFC 9110 section 11.6.1). */
export class Unauthenticated extends AuditError {
  readonly challenge: string;

  /** `of`: the principal's id, where the credential itself was verified. */
  constructor(
    readonly reason: Refusal,
    readonly of?: string,
  ) {
    super("UNAUTHENTICATED", unauthenticated(reason).message);
    this.challenge = challenge(reason);
  }
}

/** The gateway's door: nothing of a request but its headers is read before its sender is identified. */
export function admission(door: Door): Admit {
  return async (headers) => {
    const principal = await identify(headers, door);
    return { principal, service: serviceFor(principal, door) };
  };
}

/** The audit service as a principal may use it in one request; what the request is shown is recorded. */
export function serviceFor(principal: Principal, { service, readLog, eventRate }: Door): AuditService {
  const now = (): number => Date.now();
  const admitEvents = (count: number) => eventRate?.take(principal.id, count);
  const scoped = new ScopedService(service, { principal, now, admitEvents, closedLog: readLog?.log });
  return readLog === undefined ? scoped : recordingReads(scoped, readLog.recorder(principal));
}

/** Identifies the sender of these headers. Rejects with AuditError UNAUTHENTICATED, FORBIDDEN or UNAVAILABLE. */
export async function identify(headers: CredentialHeaders, { access, logger }: Door): Promise<Principal> {
  const outcome = await authenticate(headers, access, Date.now()).catch((error: unknown) => cannotTell(error, logger));
  return requirePrincipal(outcome, logger);
}

/** The principal of a credential. Throws AuditError UNAUTHENTICATED or FORBIDDEN. */
export function requirePrincipal(outcome: CredentialOutcome, logger: Logger): Principal {
  if (outcome.kind === "principal") return outcome.principal;
  const { reason, because, of } = outcome;
  if (because !== undefined) logger.warn({ because, credential: of }, "a verified credential was refused");
  // A client that asked under a wrong host name gets no challenge: no credential would help.
  throw reason === "host"
    ? new AuditError("FORBIDDEN", unauthenticated(reason).message)
    : new Unauthenticated(reason, of);
}

/** The client is told to come back; the operator is told why. */
function cannotTell(error: unknown, logger: Logger): never {
  if (!(error instanceof AuditError)) throw error;
  logger.error({ cause: String(error.cause) }, error.message);
  throw new AuditError(error.code, error.message, { retryAfterMs: error.retryAfterMs ?? 1_000, cause: error });
}

/** The sender of a request, as far as it is known: for log lines about the request. */
export interface Sender {
  readonly requestId: string;
  /** The client's IP address. */
  readonly address: string;
  /** Of the request, or of the handshake of its WebSocket. */
  readonly headers: IncomingHttpHeaders;
  /** The principal's id. Undefined until the sender is admitted. */
  readonly credential?: string | undefined;
}

/** Where a request keeps its principal's id. */
const CREDENTIAL = "credential";

/** Makes the requests of all doors keep their sender. */
export function keepSenders(app: FastifyInstance): void {
  app.decorateRequest(CREDENTIAL, undefined);
}

/** Call when the sender was admitted as the principal with this id. */
export function becameKnown(request: FastifyRequest, credential: string): void {
  request.setDecorator(CREDENTIAL, credential);
}

export function senderOf(request: FastifyRequest): Sender {
  const { id: requestId, ip: address, headers } = request;
  return { requestId, address, headers, credential: request.getDecorator<string | undefined>(CREDENTIAL) };
}

/** W3C Trace Context, section 3.2: the version, the trace, its span at the caller, flags; a later version may go on. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

/** The trace that a request's headers name. */
export function traceIdOf({ traceparent }: IncomingHttpHeaders): string | undefined {
  return typeof traceparent === "string" ? TRACEPARENT.exec(traceparent)?.[1] : undefined;
}

/** The headers that Apollo's CSRF prevention checks. */
const PREFLIGHT_HEADERS = ["apollo-require-preflight", "x-apollo-operation-name"];

/**
 * Whether a page of another site could not have sent this without a preflight: it has a header that is not safelisted
 * (Fetch standard, "CORS-safelisted request-header"). Only a page itself sets a bearer token; browsers add credentials
 * of other schemes on their own.
 */
export function isPreflighted(headers: IncomingHttpHeaders): boolean {
  return PREFLIGHT_HEADERS.some((name) => headers[name]) || /^bearer /i.test(headers.authorization ?? "");
}
