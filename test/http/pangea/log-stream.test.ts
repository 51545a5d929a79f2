import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AuditService } from "../../../src/audit/service.js";
import { canonicalJson } from "../../../src/core/json.js";
import type { TestGateway } from "../../graphql/gateway.js";
import { clientOf, failureOf, openPangeaService, pangeaGateway, postWire, stubArweave } from "./sdk.js";

let service: AuditService;
let gateway: TestGateway;
let restore: () => void;
beforeAll(async () => {
  restore = stubArweave();
  service = await openPangeaService();
  gateway = await pangeaGateway(service);
});
afterAll(async () => {
  restore();
  await gateway.close();
});

const DATA = {
  date: "2026-01-02T03:04:05.678Z",
  type: "s",
  description: "Successful login",
  client_id: "AaiyAPdpYdesoKnqjj8HJqRn4T5titww",
  ip: "203.0.113.7",
  user_agent: "Firefox",
  user_id: "auth0|5f7",
  details: { prompts: [{ name: "login" }] },
};

describe("the Node SDK's logStream", () => {
  test("logs each record of Auth0 as an event, with the whole record in `new`", async () => {
    const { client_id, date, type } = DATA;
    const records = [DATA, { date, type, client_id, user_id: "", description: "" }];
    const logs = records.map((data, i) => ({ log_id: `90020${i}`, data }));
    const { status, result } = await clientOf(gateway.url).logStream({ logs });
    expect([status, result]).toEqual(["Success", {}]);
    const outcomes = await service.entries("default", [0, 1]);
    const [first, second] = outcomes.map((outcome) => outcome.kind === "entry" && outcome.entry.envelope.event);
    expect(first).toMatchObject({
      message: "Successful login",
      action: "s",
      actor: "auth0|5f7",
      source: "203.0.113.7",
    });
    expect(first).toMatchObject({ timestamp: DATA.date, new: canonicalJson(DATA) });
    expect(second).toMatchObject({ message: "s", actor: client_id });
  });

  test.each<{ what: string; data: unknown; code: string; at: string }>([
    { what: "without a date", data: { type: "s" }, code: "FieldRequired", at: "/date" },
    { what: "of another day", data: { ...DATA, date: "today" }, code: "BadFormatDateTime", at: "/date" },
    { what: "that is too large", data: { ...DATA, x: "x".repeat(32_766) }, code: "AboveMaxLength", at: "" },
    { what: "that is a text", data: "s", code: "InvalidObject", at: "" },
  ])("is refused with a record $what", async ({ data, code, at }) => {
    const { treeSize } = await service.root("default");
    const failure = await failureOf(clientOf(gateway.url).logStream({ logs: [{ data: DATA }, { data }] }));
    expect(failure.errors).toMatchObject([{ code, source: `/logs/1/data${at}` }]);
    expect((await service.root("default")).treeSize).toBe(treeSize);
  });
});

describe("/v1/schema", () => {
  test("has the fields and sizes that a log keeps", async () => {
    const { body } = await postWire(`${gateway.url}/v1/schema`, {});
    const { fields, ...rest } = body.result as {
      readonly fields: readonly { readonly id: string; readonly size: number }[];
    };
    expect(rest).toEqual({ client_signable: true, tamper_proofing: true, save_malformed: "reject" });
    expect(Object.fromEntries(fields.map(({ id, size }) => [id, size]))).toEqual({
      ...{ timestamp: 128, actor: 128, action: 32, status: 32, target: 128, source: 128, tenant_id: 128 },
      ...{ old: 32_766, new: 32_766, message: 32_766 },
    });
    const limits = fields.filter(({ id }) => id !== "timestamp");
    for (const { id, size } of limits) {
      const event = { message: "m", [id]: "x".repeat(size + 1) };
      const refused = await postWire(`${gateway.url}/v1/log`, { event });
      expect(refused.body.result).toMatchObject({ errors: [{ code: "AboveMaxLength", source: `/event/${id}` }] });
    }
  });
});
