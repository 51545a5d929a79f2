import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "../../../src/access/key-file.js";
import { openAccess } from "../../../src/access/open-access.js";
import { AuditError } from "../../../src/audit/errors.js";
import type { Scope } from "../../../src/audit/principal.js";
import type { AuditService } from "../../../src/audit/service.js";
import { firstTry, newRequestId } from "../../../src/http/pangea/request-id.js";
import { Metrics } from "../../../src/operations/metrics.js";
import { replaced } from "../../graphql/watched.js";
import type { TestGateway } from "../../graphql/gateway.js";
import { keptLines } from "../kept-lines.js";
import {
  clientOf,
  failureOf,
  openPangeaService,
  pangeaGateway,
  postWire,
  stubArweave,
  type WireAnswer,
} from "./sdk.js";

const MEMBERS = ["request_id", "request_time", "response_time", "result", "status", "summary"];

/** What every answer must have (protocol section 0), and nothing of it null but the result. */
function expectEnvelope({ headers, body }: WireAnswer): void {
  expect(Object.keys(body).sort()).toEqual(MEMBERS);
  const { result, ...rest } = body;
  expect(Object.values(rest).filter((value) => typeof value !== "string")).toEqual([]);
  expect(JSON.stringify(result ?? {})).not.toMatch(/:null\b/);
  expect(headers.get("content-type")).toMatch(/^application\/json/);
  expect(headers.get("x-request-id")).toBe(body.request_id);
  expect(body.request_id).toMatch(/^prq_[a-z2-7]{32}/);
}

describe("the door", () => {
  const metrics = new Metrics();
  const { logger, lines, forget } = keptLines();
  let service: AuditService;
  let gateway: TestGateway;
  let folder: string;
  const keys = new Map<string, string>();
  let restore: () => void;

  beforeAll(async () => {
    restore = stubArweave();
    folder = await mkdtemp(join(tmpdir(), "auditql-pangea-"));
    const apiKeys = join(folder, "keys.json");
    const grants: readonly (readonly [string, readonly Scope[], string?])[] = [
      ["all", ["audit:log", "audit:read"]],
      ["writer", ["audit:log"]],
      ["reader", ["audit:read"]],
      ["acme", ["audit:log", "audit:read"], "acme"],
    ];
    for (const [name, scopes, tenant] of grants)
      keys.set(name, (await createKey(apiKeys, { name, scopes, ...(tenant && { tenant }) }, new Date())).text);
    service = await openPangeaService();
    const access = await openAccess({ host: "127.0.0.1", apiKeys });
    const eventRate = { eventsPerSecond: 1, capacity: 50 };
    gateway = await pangeaGateway(service, { access, logger, metrics, eventRate, maxBodyBytes: 100_000 });
  });
  beforeEach(forget);
  afterAll(async () => {
    restore();
    await gateway.close();
    await rm(folder, { recursive: true });
  });

  const key = (name: string): string => keys.get(name) ?? "";
  const bearer = (name: string) => ({ authorization: `Bearer ${key(name)}` });

  test("takes API keys as tokens, and refuses any other as the SDK expects it", async () => {
    expect((await clientOf(gateway.url, key("all")).log({ message: "m" })).status).toBe("Success");
    const failure = await failureOf(clientOf(gateway.url, "pts_unknown").log({ message: "m" }));
    expect([failure.is("UnauthorizedError"), failure.errors]).toEqual([true, []]);
    expect(failure.summary).toMatch(/^Not authorized to access this resource: /);
  });

  test("lets a key do what its scopes allow", async () => {
    const writer = clientOf(gateway.url, key("writer"));
    await writer.log({ message: "m" }, { verify: true });
    const { result } = await writer.log({ message: "m" }, { verify: true });
    expect([result.membership_verification, result.consistency_verification]).toEqual(["pass", "none"]);
    expect((await failureOf(writer.root())).is("UnauthorizedError")).toBe(true);
    expect((await failureOf(clientOf(gateway.url, key("reader")).log({ message: "m" }))).is("UnauthorizedError")).toBe(
      true,
    );
  });

  test("logs in the name of a key's tenant", async () => {
    const { result } = await clientOf(gateway.url, key("acme")).log({ message: "m" }, { verbose: true });
    expect(result.envelope?.event["tenant_id"]).toBe("acme");
  });

  test("counts events against the rate of the key", async () => {
    const events = Array.from({ length: 600 }, () => ({ message: "m" }));
    const client = clientOf(gateway.url, key("all"));
    const failure = await failureOf(client.logBulk(events).then(() => client.logBulk(events)));
    expect([failure.is("RateLimitError"), failure.status]).toEqual([true, "TooManyRequests"]);
  });

  test.each<{ what: string; path: string; body?: string; headers?: Record<string, string>; status: number }>([
    { what: "a success", path: "/v1/root", status: 200 },
    { what: "a bad token", path: "/v1/log", headers: { authorization: "Bearer no" }, status: 401 },
    { what: "another media type", path: "/v1/log", headers: { "content-type": "text/plain" }, status: 415 },
    { what: "a compressed body", path: "/v1/log", headers: { "content-encoding": "gzip" }, status: 415 },
    { what: "a body that is too large", path: "/v1/log", body: `"${"x".repeat(100_000)}"`, status: 413 },
    { what: "a body that is no JSON", path: "/v1/log", body: "{", status: 400 },
    { what: "an unknown endpoint", path: "/v1/nothing", status: 404 },
    { what: "an unknown version", path: "/v1beta/config", status: 404 },
    { what: "another method", path: "/request/prq_x", status: 404 },
  ])("answers $what in the envelope of the protocol", async ({ path, body = "{}", headers = {}, status }) => {
    const answer = await postWire(gateway.url + path, body, { ...bearer("all"), ...headers });
    expect(answer.status).toBe(status);
    expectEnvelope(answer);
  });

  test("records an operation, and a refusal, under the id that the client was told", async () => {
    const { body } = await postWire(`${gateway.url}/v1/root`, {}, bearer("all"));
    const refused = await postWire(`${gateway.url}/v1/root`, {}, { authorization: "Bearer no" });
    expect(lines()).toMatchObject([
      { msg: "operation", operation: "pangea /v1/root", code: "OK", requestId: body.request_id },
      { msg: "refused", entrance: "pangea", code: "UNAUTHENTICATED", requestId: refused.body.request_id },
    ]);
    expect(await metrics.text()).toContain('operation="pangea /v1/root",type="query",code="OK"');
  });
});

describe("a request that is tried again", () => {
  let restore: () => void;
  beforeEach(() => {
    restore = stubArweave();
  });
  afterEach(() => {
    restore();
  });

  test("logs its event once, though the first try was logged and answered with 503", async () => {
    const service = await openPangeaService();
    let tries = 0;
    const doubtful = replaced(service, {
      append: async (request, asking) => {
        const receipt = await service.append(request, asking);
        if (tries++ === 0) throw new AuditError("UNAVAILABLE", "nobody knows", { outcome: "UNKNOWN" });
        return receipt;
      },
    });
    const gateway = await pangeaGateway(doubtful);
    const { result } = await clientOf(gateway.url).log({ message: "once" }, { verify: true });
    const { treeSize } = await service.root("default");
    await gateway.close();
    expect([tries, treeSize, result.membership_verification]).toEqual([2, 1, "pass"]);
  });

  test("under the ids of a request with other events is refused", async () => {
    const gateway = await pangeaGateway(await openPangeaService());
    const first = await postWire(`${gateway.url}/v1/log`, { event: { message: "a" } });
    const retried = { "x-pangea-retried-request-ids": first.body.request_id };
    const again = await postWire(`${gateway.url}/v1/log`, { event: { message: "a" } }, retried);
    const other = await postWire(`${gateway.url}/v1/log`, { event: { message: "b" } }, retried);
    await gateway.close();
    expect(again.body.result).toEqual(first.body.result);
    expect([other.status, other.body.result]).toMatchObject([409, { errors: [{ code: "BadState" }] }]);
  });

  test("is named by its first try, in whatever order the failed ones are listed", () => {
    const [first, second, third, now] = [1, 2, 1_000, 2_000_000_000_000].map((ms) => newRequestId(ms)) as [
      string,
      string,
      string,
      string,
    ];
    expect(now).toMatch(/^prq_[a-z2-7]{32}$/);
    expect([first, second, third, now].sort()).toEqual([first, second, third, now]);
    expect(firstTry(now, `${third}, ${first},${second}`)).toBe(first);
    expect(firstTry(now, [third, second])).toBe(second);
    expect(firstTry(now, "1-0242, prq_A, ")).toBe(now);
    expect(firstTry(now, undefined)).toBe(now);
  });
});
