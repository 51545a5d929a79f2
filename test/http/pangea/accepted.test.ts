import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "../../../src/access/key-file.js";
import { openAccess } from "../../../src/access/open-access.js";
import type { AuditService } from "../../../src/audit/service.js";
import { TokenSealer } from "../../../src/keys/sealed-token.js";
import { logMessages } from "../../engine/test-log.js";
import { replaced } from "../../graphql/watched.js";
import { testGateway, type TestGateway } from "../../graphql/gateway.js";
import {
  clientOf,
  failureOf,
  openPangeaService,
  pangeaGateway,
  postWire,
  stubArweave,
  type AuditClient,
} from "./sdk.js";

const sealer = new TokenSealer(new Uint8Array(32).fill(3));
let service: AuditService;
let gateway: TestGateway;
let folder: string;
let own: AuditClient;
let other: AuditClient;
let token: string;
let restore: () => void;

beforeAll(async () => {
  restore = stubArweave();
  folder = await mkdtemp(join(tmpdir(), "auditql-pangea-"));
  const apiKeys = join(folder, "keys.json");
  const grant = { scopes: ["audit:log", "audit:read"] } as const;
  ({ text: token } = await createKey(apiKeys, { ...grant, name: "own" }, new Date()));
  const { text: another } = await createKey(apiKeys, { ...grant, name: "other" }, new Date());
  service = await openPangeaService();
  gateway = await pangeaGateway(service, { access: await openAccess({ host: "127.0.0.1", apiKeys }), sealer });
  own = clientOf(gateway.url, token);
  other = clientOf(gateway.url, another);
});
afterAll(async () => {
  restore();
  await gateway.close();
  await rm(folder, { recursive: true });
});

describe("the Node SDK's logBulkAsync", () => {
  test("is accepted, and its result found by the id of its request", async () => {
    const accepted = await own.logBulkAsync([{ message: "a" }, { message: "b" }], { verbose: true });
    expect([accepted.status, accepted.result]).toEqual(["Accepted", {}]);
    expect(accepted.accepted_result).toEqual({
      ttl_mins: 2_880,
      retry_counter: 0,
      location: `${gateway.url}/request/${accepted.request_id}`,
    });
    const polled = await own.pollResult(accepted.request_id);
    expect([polled.status, polled.request_id]).toEqual(["Success", accepted.request_id]);
    expect(polled.result.results.map(({ envelope }) => envelope?.event["message"])).toEqual(["a", "b"]);
  });

  test("has the result of its own credential, without the envelopes that it did not ask for", async () => {
    const accepted = await own.logBulkAsync([{ message: "a" }]);
    expect((await own.pollResult(accepted.request_id)).result.results.flatMap(Object.keys)).toEqual(["hash"]);
    const failure = await failureOf(other.pollResult(accepted.request_id));
    expect([failure.is("UnauthorizedError"), failure.summary]).toEqual([
      true,
      expect.stringMatching(/^Not authorized to access this resource/),
    ]);
  });

  test("is durable when it is accepted, for another gateway with the same key", async () => {
    const accepted = await own.logBulkAsync([{ message: "a" }]);
    const access = await openAccess({ host: "127.0.0.1", apiKeys: join(folder, "keys.json") });
    const beside = await testGateway(replaced(service, { close: async () => undefined }), { access, sealer });
    const polled = await clientOf(beside.url, token).pollResult(accepted.request_id);
    await beside.close();
    expect(polled.status).toBe("Success");
  });

  test("logs its events once, though it is tried again", async () => {
    const authorization = `Bearer ${token}`;
    const send = (headers: object) =>
      postWire(
        `${gateway.url}/v2/log_async`,
        { events: [{ event: { message: "once" } }] },
        { authorization, ...headers },
      );
    const id = `prq_${"2".repeat(32)}`;
    const before = (await service.root("default")).treeSize;
    for (const answer of [
      await send({ "x-pangea-retried-request-ids": id }),
      await send({ "x-pangea-retried-request-ids": id }),
    ])
      expect([answer.status, answer.body.status]).toEqual([202, "Accepted"]);
    expect((await service.root("default")).treeSize).toBe(before + 1);
  });

  test("is refused like logBulk", async () => {
    const failure = await failureOf(own.logBulkAsync([{ message: "" }]));
    expect(failure.errors).toMatchObject([{ code: "BelowMinLength", source: "/events/0/event/message" }]);
  });

  test.each(["prq_", "none", `prq_${"a".repeat(32)}`])("has no result under the id %s", async (id) => {
    const answer = await fetch(`${gateway.url}/request/${id}`, { headers: { authorization: `Bearer ${token}` } });
    expect([answer.status, await answer.json()]).toMatchObject([404, { status: "NotFound", result: null }]);
  });
});

describe("the Node SDK's downloadResults", () => {
  test.each([
    ["csv", /^.leafIndex,hash/u],
    ["json", /^\{/],
  ])("leads to a file of the search as %s", async (format, begin) => {
    await logMessages(service, 3);
    const { result } = await own.search("event", { max_results: 2 }, {});
    const { dest_url: url, expires_at } = (await own.downloadResults({ result_id: result.id, format })).result;
    const { filename, file } = await own.downloadFile(new URL(url));
    const text = Buffer.from(file).toString();
    expect(text).toMatch(begin);
    expect(new Set(text.match(/event \d/g)).size).toBe(2);
    expect(filename).toMatch(new RegExp(`^auditql-default-\\d+\\.${format}$`));
    expect(Date.parse(expires_at)).toBeGreaterThan(Date.now());
  });

  test.each([
    ["result_id", "pas_none", "/result_id"],
    ["result_id", "", "/result_id"],
  ])("is refused for an unknown %s", async (name, id, source) => {
    const { status, body } = await postWire(
      `${gateway.url}/v1/download_results`,
      { [name]: id },
      { authorization: `Bearer ${token}` },
    );
    expect([status, body.result]).toMatchObject([400, { errors: [{ source }] }]);
  });

  test.each([
    [{}, "MustProvideOne"],
    [{ result_id: "a", request_id: "b" }, "MutuallyExclusive"],
  ])("wants one id, not %j", async (ids, code) => {
    const authorization = `Bearer ${token}`;
    const { body } = await postWire(`${gateway.url}/v1/download_results`, ids, { authorization });
    expect(body.result).toMatchObject({ errors: [{ code }] });
  });

  test("asserts how the search was restricted", async () => {
    const { result } = await own.search("event", {}, {});
    const request = { result_id: result.id, assert_search_restriction: { actor: ["alice"] } };
    const failure = await failureOf(own.downloadResults(request));
    expect(failure.errors).toMatchObject([{ source: "/assert_search_restriction" }]);
  });
});

describe("the Node SDK's export", () => {
  test("is accepted, and downloaded by the id of its request", async () => {
    const { treeSize } = await service.root("default");
    const accepted = await own.export({ format: "json", start: "1d", order: "asc", order_by: "received_at" });
    expect(accepted.status).toBe("Accepted");
    const { request_id } = accepted;
    expect((await own.pollResult(request_id)).status).toBe("Success");
    const { dest_url: url } = (await own.downloadResults({ request_id, format: "json" })).result;
    const { entries } = (await (await fetch(url)).json()) as { readonly entries: readonly unknown[] };
    expect(entries).toHaveLength(treeSize);
  });

  test("is downloaded by nobody else, and no other request is", async () => {
    const { request_id } = await own.export({});
    expect((await failureOf(other.downloadResults({ request_id }))).is("UnauthorizedError")).toBe(true);
    const bulk = await own.logBulkAsync([{ message: "a" }]);
    const failure = await failureOf(own.downloadResults({ request_id: bulk.request_id }));
    expect(failure.errors).toMatchObject([{ code: "BadFormat", source: "/request_id" }]);
  });

  test("takes a time without a zone for UTC, as the Python SDK writes it", async () => {
    expect((await own.export({ start: "2026-01-01T00:00:00", verbose: false })).status).toBe("Accepted");
  });
});
