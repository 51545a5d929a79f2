import { AuditError, badInput, problemText } from "../audit/errors.js";
import type { LogRequest, SignedEvent } from "../audit/service.js";
import { isPlainObject, type FieldProblem } from "../core/json.js";

/**
 * The request with every event under the tenant: events that name no tenant get this one. Throws FORBIDDEN when an
 * event names another, and BAD_USER_INPUT when the author's signature would not cover the added tenant; both name every
 * bad path. Values that are not events are left to the service to refuse.
 */
export function inTenantsName(request: LogRequest, tenant: string): LogRequest {
  const problems = request.events.flatMap((event, place) =>
    problemsOf(event, tenant, request.path === "event" ? "event" : `events[${place}]`),
  );
  const foreign = problems.filter(({ got }) => got === FOREIGN);
  if (foreign.length > 0) throw new AuditError("FORBIDDEN", problemText(foreign), { problems: foreign });
  if (problems.length > 0) throw badInput(problems);
  return { ...request, events: request.events.map((event) => named(event, tenant)) };
}

const FOREIGN = "another tenant";

/** Never repeats the named tenant: others may read it in an error log. */
function problemsOf(signed: SignedEvent, tenant: string, eventPath: string): readonly FieldProblem[] {
  const named = tenantOf(signed);
  const path = `${eventPath}.tenant_id`;
  if (typeof named === "string" && named !== tenant) {
    return [{ path, expected: `${JSON.stringify(tenant)}, the credential's tenant, or nothing`, got: FOREIGN }];
  }
  const isSigned = signed.signature !== undefined || signed.publicKey !== undefined;
  if (named !== undefined || !isSigned) return [];
  return [{ path, expected: `${JSON.stringify(tenant)}, under the event's signature`, got: "nothing" }];
}

function named(signed: SignedEvent, tenant: string): SignedEvent {
  if (!isPlainObject(signed.event) || tenantOf(signed) !== undefined) return signed;
  return { ...signed, event: { ...signed.event, tenant_id: tenant } };
}

/** Null means absent, as in all input. */
function tenantOf({ event }: SignedEvent): unknown {
  if (!isPlainObject(event) || !Object.hasOwn(event, "tenant_id")) return undefined;
  return event["tenant_id"] ?? undefined;
}
