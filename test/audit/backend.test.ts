import { describe, expect, test } from "@jest/globals";
import { serviceOf } from "../../src/audit/backend.js";
import type { AuditService } from "../../src/audit/service.js";
import { logMessages, openTestService } from "../engine/test-log.js";
import { rejection } from "../engine/rejection.js";

/** One call of each role. */
const CALLS: Readonly<Record<string, (service: AuditService) => Promise<unknown>>> = {
  logging: (service) => logMessages(service, 1),
  reading: (service) => service.entries("default", [0]),
  searching: (service) => service.search({ log: "default", query: "" }, {}),
  downloading: async (service) => {
    const { result } = await (await engine).search({ log: "default", query: "" }, {});
    return service.download({ id: result.id, everyMatch: true });
  },
  following: (service) => service.tail({ log: "default" }, new AbortController()),
  proving: (service) => service.root("default"),
};
const engine = openTestService();

describe("a backend that lacks a role", () => {
  test.each(Object.entries(CALLS))("plays the others, and says of %s that it cannot", async (lacking, call) => {
    const service = await engine;
    const others = Object.keys(CALLS).filter((role) => role !== lacking);
    const roles = Object.fromEntries(others.map((role) => [role, service]));
    const identity: AuditService["identity"] = (log) => service.identity(log);
    const close = (): Promise<void> => Promise.resolve();
    const backend = serviceOf({ name: "The test's service", identity, close, ...roles });
    const error = await rejection(call(backend));
    expect(error.code).toBe("UNSUPPORTED");
    expect(error.message).toMatch(/^The test's service cannot .+\. Ask a gateway with its own engine for it\.$/);
    for (const role of others) await CALLS[role]?.(backend);
    expect((await backend.identity("default")).origin).toBe("test.example/auditql/default");
  });
});
