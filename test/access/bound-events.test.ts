import { describe, expect, test } from "@jest/globals";
import { inTenantsName } from "../../src/access/bound-events.js";
import type { LogRequest, SignedEvent } from "../../src/audit/service.js";

const signature = { signature: "c2ln", publicKey: "a2V5" };

function request(...events: readonly SignedEvent[]): LogRequest {
  return { log: "default", events, sign: false, path: "events" };
}

const named = (event: SignedEvent): SignedEvent | undefined => inTenantsName(request(event), "acme").events[0];

describe("an event logged for a tenant", () => {
  test.each([{ message: "m" }, { message: "m", tenant_id: null }, { message: "m", tenant_id: undefined }])(
    "gets the tenant's name when it is %j",
    (event) => {
      expect(named({ event })).toEqual({ event: { message: "m", tenant_id: "acme" } });
    },
  );

  test("may name the tenant itself, and is then left as it was signed", () => {
    const event = { event: { message: "m", tenant_id: "acme" }, ...signature };
    expect(named(event)).toBe(event);
  });

  test.each(["globex", "Acme", "acme ", ""])("may not name %j instead", (tenant) => {
    expect(() => named({ event: { message: "m", tenant_id: tenant } })).toThrow(
      expect.objectContaining({ code: "FORBIDDEN" }),
    );
  });

  test.each([signature, { signature: signature.signature }, { publicKey: signature.publicKey }])(
    "is refused, and not changed under its signature, when its author signed it without the tenant: %j",
    (signed) => {
      expect(() => named({ event: { message: "m" }, ...signed })).toThrow(
        expect.objectContaining({
          code: "BAD_USER_INPUT",
          problems: [{ path: "events[0].tenant_id", expected: `"acme", under the event's signature`, got: "nothing" }],
        }),
      );
    },
  );

  test.each(["text", null, 5, ["m"], { message: "m", tenant_id: 5 }, { message: "m", tenant_id: ["acme"] }])(
    "is left to the service to refuse when it is %j",
    (event) => {
      expect(named({ event })).toEqual({ event });
    },
  );

  test("keeps a tenant hidden in its prototype from passing for its own", () => {
    const event: unknown = JSON.parse('{"message":"m","__proto__":{"tenant_id":"globex"}}');
    expect((named({ event })?.event as { tenant_id?: string }).tenant_id).toBe("acme");
  });

  test("is named with every other bad one of its request, and no foreign tenant is repeated", () => {
    const events = ["acme", "globex", "initech"].map((tenant_id) => ({ event: { message: "m", tenant_id } }));
    expect(() => inTenantsName(request(...events), "acme")).toThrow(
      /^events\[1\]\.tenant_id: expected "acme", .*, got another tenant; events\[2\]\.tenant_id: .* another tenant$/,
    );
  });

  test("stands at the path that its request gives it", () => {
    const single: LogRequest = { ...request({ event: { message: "m", tenant_id: "globex" } }), path: "event" };
    expect(() => inTenantsName(single, "acme")).toThrow(/^event\.tenant_id: /);
  });
});
