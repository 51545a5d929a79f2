import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "../../../src/access/key-file.js";
import { openAccess } from "../../../src/access/open-access.js";
import type { AuditService } from "../../../src/audit/service.js";
import { openTestService } from "../../engine/test-log.js";
import { replaced } from "../../graphql/watched.js";
import { testGateway, type TestGateway } from "../../graphql/gateway.js";
import {
  clientOf,
  failureOf,
  openPangeaService,
  pangeaGateway,
  PANGEA_LOG,
  postWire,
  stubArweave,
  type AuditClient,
} from "./sdk.js";

const NAMES = ["Dennis", "Grant", "Ellie", "Dennis", "Ian"];
let service: AuditService;
let gateway: TestGateway;
let client: AuditClient;
let restore: () => void;

beforeAll(async () => {
  restore = stubArweave();
  service = await openPangeaService();
  gateway = await pangeaGateway(service);
  client = clientOf(gateway.url);
  const targets = ["Security", "Security", "Fence", "Fence", "Lab"];
  for (const [i, actor] of NAMES.entries())
    await client.log({ message: `event ${i} deactivated`, actor, target: targets[i] ?? "" });
});
afterAll(async () => {
  restore();
  await gateway.close();
});

const search = async (query: string, options: object = {}, verify: object = {}) =>
  (await client.search(query, options, verify)).result;
const actors = (result: Awaited<ReturnType<typeof search>>) =>
  result.events.map(({ envelope }) => envelope?.event["actor"]);

describe("the Node SDK's search", () => {
  test("finds the newest first, each with a proof under one root", async () => {
    const { status, summary, result } = await client.search("", {}, {});
    expect([status, summary, result.count]).toEqual(["Success", "Found 5 event(s)", 5]);
    expect(result.events.map(({ leaf_index, published }) => [leaf_index, published])).toEqual(
      [4, 3, 2, 1, 0].map((i) => [i, true]),
    );
    expect(result.root).toMatchObject({ size: 5, root_hash: (await service.root("default", 5)).hash });
    expect(result.id).toMatch(/^pas_/);
    expect(Date.parse(result.expires_at)).toBeGreaterThan(0);
  });

  test.each(["asc", "desc"])("verifies membership and consistency of every event, %s", async (order) => {
    const { events } = await search("", { order }, { verifyConsistency: true });
    const verdicts = events.map((event) => [event.membership_verification, event.consistency_verification]);
    expect(verdicts).toEqual(NAMES.map(() => ["pass", "pass"]));
  });

  test("finds no proof to verify where it asked for none", async () => {
    const { id } = await search("", { verbose: false });
    const { result } = await client.results(id, 2, 1, { verifyConsistency: true });
    expect(result).not.toHaveProperty("root");
    expect(result.events.map((event) => event.membership_verification)).toEqual(["none", "none"]);
  });

  test("known fault of the SDK: it rejects where arweave.net cannot be reached", async () => {
    const undo = stubArweave(() => {
      throw new TypeError("fetch failed");
    });
    const failure = failureOf(client.search("", {}, { verifyConsistency: true }));
    await failure.finally(undo);
    expect((await failure).name).toBe("TypeError");
  });

  test("shows a page of a result that is cut at max_results", async () => {
    const result = await search('message:""', { limit: 2, max_results: 3 });
    expect([result.events.length, result.count]).toEqual([2, 3]);
  });

  test("sorts by a field", async () => {
    const sorted = await search("", { order: "asc", order_by: "actor" });
    expect(actors(sorted)).toEqual(["Dennis", "Dennis", "Ellie", "Grant", "Ian"]);
  });

  test("is restricted beside its query", async () => {
    const result = await search("deactivated", { search_restriction: { actor: ["Grant", "Ian"], target: ["Lab"] } });
    expect(actors(result)).toEqual(["Ian"]);
  });

  test.each([
    { query: "deactivated", found: 5 },
    { query: 'actor:"Dennis"', found: 2 },
    { query: '-actor:"Dennis"', found: 3 },
    { query: 'actor:"Dennis" AND target:"Security"', found: 1 },
    { query: '(actor:"Dennis" OR actor:"Grant") AND target:"Security"', found: 2 },
    { query: "actor:Dennis target:Fence deactivated", found: 1 },
    { query: "actor=Dennis", found: 2 },
    { query: "actor=dennis", found: 0 },
    { query: "", found: 5 },
  ])("finds $found events with $query", async ({ query, found }) => {
    expect((await search(query)).count).toBe(found);
  });

  test.each<{ start?: string; end?: string; found: number }>([
    { start: "7d", found: 5 },
    { start: "1day", found: 5 },
    { start: "120min", end: "0d", found: 5 },
    { start: "2months", found: 5 },
    { start: "2020-01-01T00:00:00+02:00", end: "2021-1-1T0:0:0", found: 0 },
    { end: "2021-01-01T00:00:00Z", found: 0 },
    { end: "2999-01-01T00:00:00.123456", found: 5 },
  ])("finds $found events from $start to $end", async ({ found, ...window }) => {
    expect((await search("", window)).count).toBe(found);
  });

  test("finds what was received in the last 14 days where it says no time", async () => {
    const past = await openTestService({ logs: PANGEA_LOG, clock: () => (Date.now() - 15 * 86_400_000) * 1_000 });
    await past.append({ log: "default", events: [{ event: { message: "m" } }], sign: false, path: "event" });
    const asked: unknown[] = [];
    const at = await pangeaGateway(
      replaced(past, { search: (request, ...rest) => (asked.push(request.window), past.search(request, ...rest)) }),
    );
    await clientOf(at.url).search("", {}, {});
    await clientOf(at.url).search("", { end: "0d" }, {});
    await at.close();
    expect(asked).toEqual([{ start: "14d" }, { end: "0d" }]);
  });

  test.each<{ what: string; options: Record<string, unknown>; code: string; source: string }>([
    { what: "an unknown order", options: { order: "notavalidorder" }, code: "NotEnumMember", source: "/order" },
    { what: "an unknown field", options: { order_by: "foo" }, code: "NotEnumMember", source: "/order_by" },
    { what: "an unknown unit", options: { start: "7parsecs" }, code: "BadFormatDateTime", source: "/start" },
    { what: "no results", options: { max_results: 0 }, code: "IsTooSmall", source: "/max_results" },
    { what: "too many results", options: { max_results: 10_001 }, code: "IsTooBig", source: "/max_results" },
    { what: "a page that is too large", options: { limit: 1_001 }, code: "IsTooBig", source: "/limit" },
    { what: "half an event", options: { limit: 1.5 }, code: "InvalidInteger", source: "/limit" },
    {
      what: "a restriction of another field",
      options: { search_restriction: { message: ["m"] } },
      ...{ code: "UnexpectedProperty", source: "/search_restriction/message" },
    },
    {
      what: "an end before the start",
      options: { start: "1d", end: "2d" },
      ...{ code: "BadFormat", source: "/end" },
    },
    { what: "an unknown member", options: { last: "7d" }, code: "UnexpectedProperty", source: "/last" },
  ])("is refused with $what", async ({ options, code, source }) => {
    const failure = await failureOf(search("", options));
    expect([failure.status, failure.errors]).toMatchObject(["ValidationError", [{ code, source }]]);
    expect(failure.errors).toHaveLength(1);
  });

  test("is pointed at what is no query, as the viewer underlines it", async () => {
    const failure = await failureOf(search("message:a)"));
    const detail = "syntax error at ): LexToken(CPAREN,')',1,9)";
    expect(failure.errors).toEqual([{ code: "BadFormat", detail, source: "/query" }]);
    expect(failure.summary).toBe('The query: column 10: expected a term or the end of the query, got ")"');
  });

  test("shows no page with an entry that was changed in the store", async () => {
    const damaged = replaced(service, {
      entries: async (log, indexes) => indexes.map((leafIndex) => ({ kind: "corrupt", leafIndex }) as const),
    });
    const at = await pangeaGateway(damaged);
    const { status, body } = await postWire(`${at.url}/v1/search`, {});
    await at.close();
    expect([status, body.status, body.result]).toEqual([500, "InternalError", null]);
  });

  test("of an empty log finds nothing, and has no root", async () => {
    const at = await pangeaGateway(await openPangeaService());
    const { result } = await clientOf(at.url).search("", {}, { verifyConsistency: true });
    await at.close();
    expect([result.count, result.events, result.root]).toEqual([0, [], undefined]);
  });
});

describe("the Node SDK's results", () => {
  test("are the pages of the search as it was, verified", async () => {
    const { id } = await search("", { order: "asc" });
    await client.log({ message: "later" });
    const { result } = await client.results(id, 2, 3, { verifyConsistency: true });
    expect([result.count, actors(result)]).toEqual([5, ["Dennis", "Ian"]]);
    expect(result.events.map((event) => event.membership_verification)).toEqual(["pass", "pass"]);
    expect(result.events.map((event) => event.consistency_verification)).toEqual(["pass", "pass"]);
  });

  test("end where the count does", async () => {
    const { id, count } = await search("event");
    expect((await client.results(id, 5, count)).result.events).toEqual([]);
    const failure = await failureOf(client.results(id, 5, count + 1));
    expect([failure.is("APIError"), failure.status]).toEqual([true, "BadOffset"]);
  });

  test("are given to who asserts the restriction that the search had, in any order, and to nobody else", async () => {
    const restricted = await search("", { search_restriction: { actor: ["Grant", "Ian"], target: ["Lab"] } });
    const results = (id: string, asserted: object) =>
      client.results(id, 5, 0, {}, { assert_search_restriction: asserted });
    expect((await results(restricted.id, { target: ["Lab"], actor: ["Ian", "Grant"] })).result.count).toBe(1);
    const free = await search("");
    for (const [id, asserted] of [
      [restricted.id, { actor: ["Grant", "Ian"] }],
      [restricted.id, {}],
      [free.id, { actor: ["Grant", "Ian"], target: ["Lab"] }],
    ] as const)
      expect((await failureOf(results(id, asserted))).errors).toMatchObject([{ source: "/assert_search_restriction" }]);
  });

  test.each(["", "pas_x", "none"])("of %s do not exist", async (id) => {
    const { status, body } = await postWire(`${gateway.url}/v1/results`, { id });
    expect([status, body.result]).toMatchObject([400, { errors: [{ source: "/id" }] }]);
  });

  test("of another log than config_id are refused", async () => {
    const logs = [...PANGEA_LOG, { log: "second", format: "pangea" }] as const;
    const at = await testGateway(await openTestService({ logs }), { pangeaLogs: ["default", "second"] });
    const { result } = await clientOf(at.url).search("", {}, {});
    const failure = await failureOf(clientOf(at.url, "token", { config: "second" }).results(result.id));
    await at.close();
    expect(failure.errors).toMatchObject([{ code: "ConfigProjectMismatch", source: "/config_id" }]);
  });
});

describe("a search of a credential with bounds", () => {
  test("finds its tenant's events alone, and its pages open for nobody else", async () => {
    const folder = await mkdtemp(join(tmpdir(), "auditql-pangea-"));
    const apiKeys = join(folder, "keys.json");
    const grant = { scopes: ["audit:log", "audit:read"] } as const;
    const acme = await createKey(apiKeys, { ...grant, name: "acme", tenant: "acme" }, new Date());
    const all = await createKey(apiKeys, { ...grant, name: "all" }, new Date());
    const access = await openAccess({ host: "127.0.0.1", apiKeys });
    const at = await pangeaGateway(await openPangeaService(), { access });
    await clientOf(at.url, all.text).log({ message: "of nobody" });
    await clientOf(at.url, acme.text).log({ message: "of acme" });
    const { result } = await clientOf(at.url, acme.text).search("", {}, { verifyConsistency: true });
    const failure = await failureOf(clientOf(at.url, all.text).results(result.id));
    await at.close();
    await rm(folder, { recursive: true });
    expect(result.events.map(({ envelope }) => envelope?.event["message"])).toEqual(["of acme"]);
    expect(result.events.map((event) => event.membership_verification)).toEqual(["pass"]);
    expect(failure.errors).toMatchObject([{ source: "/id" }]);
  });
});
