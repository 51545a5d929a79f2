import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replaced } from "../../src/audit/calls.js";
import { AuditError } from "../../src/audit/errors.js";
import type { AuditService, SignedEvent } from "../../src/audit/service.js";
import { importEvents, type ImportFlags } from "../../src/cli/import.js";
import { openTestService } from "../engine/test-log.js";
import { MAIN } from "../gateway.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { pangeaGateway } from "../http/pangea/sdk.js";
import { recordedOutput } from "./recorded-output.js";
import { ended } from "./verifiers.js";

let folder: string;
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await testGateway(await openTestService());
});
afterAll(() => gateway.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "auditql-import-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function imported(path: string, more: Partial<ImportFlags> = {}, into: Pick<TestGateway, "url"> = gateway) {
  const recorded = recordedOutput();
  const flags = { url: `${into.url}/graphql`, ...more };
  const code = await importEvents(path, flags, { token: undefined, output: recorded.output });
  return { code, out: recorded.written(), note: recorded.notes() };
}

/** The newest events of a log, in its order. */
async function events(count: number, { service }: Pick<TestGateway, "service"> = gateway): Promise<readonly unknown[]> {
  const { treeSize } = await service.root("default");
  const indexes = Array.from({ length: count }, (_, i) => treeSize - count + i);
  const outcomes = await service.entries("default", indexes);
  return outcomes.map((outcome) => (outcome.kind === "entry" ? outcome.entry.envelope.event : outcome.kind));
}

const sizeOf = async ({ service }: Pick<TestGateway, "service"> = gateway): Promise<number> =>
  (await service.root("default")).treeSize;

describe("auditql import", () => {
  test("logs each line of a file as it is, in its order, and another run logs nothing twice", async () => {
    const lines = [
      { message: "café \u{1f600}", actor: "dana", tenantId: "t1", timestamp: 1_767_225_600 },
      { message: { text: "nested", levels: [1, { two: null }] }, tenant_id: "t2", old: "a", new: "b" },
    ];
    const path = file("events.ndjson", `${JSON.stringify(lines[0])}\r\n\n  \n${JSON.stringify(lines[1])}`);
    const before = await sizeOf();
    const first = await imported(path);
    expect(first).toMatchObject({
      code: 0,
      note: `2 events are in the log, at leaf indexes from ${before} to ${before + 1}`,
    });
    expect(await events(2)).toEqual([
      { message: "café \u{1f600}", actor: "dana", tenant_id: "t1", timestamp: 1_767_225_600 },
      lines[1],
    ]);
    expect(await imported(path)).toEqual(first);
    expect(await sizeOf()).toBe(before + 2);
  });

  test("takes many requests for a long file, and two requests with the same events are two", async () => {
    const before = await sizeOf();
    const path = file(
      "many.ndjson",
      `${'{"message":"again"}\n'.repeat(1_001)}${JSON.stringify({ message: "x".repeat(200_000) })}\n`.concat(
        `{"message":"${"y".repeat(200_000)}","new":"${"z".repeat(200_000)}"}\n`,
      ),
    );
    expect((await imported(path)).code).toBe(0);
    expect(await sizeOf()).toBe(before + 1_003);
    expect((await imported(path)).code).toBe(0);
    expect(await sizeOf()).toBe(before + 1_003);
  });

  test("names every bad line of a file, and logs none of it", async () => {
    const before = await sizeOf();
    const path = file(
      "bad.ndjson",
      [
        '{"message":"good"}',
        '{"message":"","actor":7}',
        "{not json",
        "[]",
        '{"message":"m","level":1,"action":null}',
        '{"message":"m","old":12345678901234567890}',
        '{"message":"m","message":"n"}',
        '{"message":"m","signature":"c2ln"}',
      ].join("\n"),
    );
    for (const dryRun of [true, false]) {
      const { code, out, note } = await imported(path, { dryRun });
      expect(code).toBe(1);
      expect(note).toBe("7 of 8 events cannot be imported, so nothing was");
      expect(out.split("\n").map((line) => line.split(":").slice(0, 2).join(":"))).toEqual([
        ...["line 2: event.message", "line 2: event.actor", "line 3: event", "line 4: event", "line 5: event.level"],
        ...["line 6: event.old", "line 7: event.message", "line 8: event", ""],
      ]);
      expect(out).toContain("12345678901234567890");
    }
    expect(await sizeOf()).toBe(before);
    const good = file("good.ndjson", '{"message":"good"}');
    expect(await imported(good, { dryRun: true })).toMatchObject({ code: 0, out: "" });
    const json = async (at: string, more: Partial<ImportFlags> = {}) =>
      (await imported(at, { json: true, ...more })).out
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect((await json(path)).map(({ line, bad, logged }) => line ?? [bad, logged])).toEqual(
      expect.arrayContaining([expect.any(Number), [expect.any(Number), 0]]),
    );
    expect(await json(good, { dryRun: true })).toEqual([{ good: expect.any(Number) as unknown, bad: 0, logged: 0 }]);
    expect(await sizeOf()).toBe(before);
  });

  test("names the line of what only the gateway refuses, and how much was logged before", async () => {
    const service = await openTestService({ logs: [{ log: "default", format: "rfc6962", maxValueBytes: 100 }] });
    const strict = await testGateway(service);
    const path = file("long.ndjson", `${'{"message":"m"}\n'.repeat(502)}{"message":"${"x".repeat(101)}"}\n`);
    const { code, note } = await imported(path, {}, strict);
    expect([code, await sizeOf(strict)]).toEqual([2, 500]);
    expect(note).toMatch(/^cannot import: .*line 503\.message.*; 500 events were imported before$/);
    await strict.close();
  });

  test("goes on where a gateway was away, without an event twice", async () => {
    const service = await openTestService();
    let calls = 0;
    const append: AuditService["append"] = async (...asked) => {
      const receipt = await service.append(...asked);
      if (++calls % 2 === 1) throw new AuditError("UNAVAILABLE", "The database went away.", { outcome: "UNKNOWN" });
      return receipt;
    };
    const flaky = await testGateway(replaced<AuditService>(service, { append }));
    const path = file("events.ndjson", '{"message":"m"}\n'.repeat(700));
    const { code, note } = await imported(path, {}, flaky);
    expect([code, note]).toEqual([0, expect.stringMatching(/^trying again in 0\.5 s: The database went away\.\n/)]);
    expect([calls, await sizeOf(flaky)]).toEqual([4, 700]);
    await flaky.close();
  });

  test("reads a CSV file by its header, or by the columns that it is told", async () => {
    const named = file("a.csv", '\uFEFFmessage,actor,tenantId\n"said ""no"",\nand left",dana,t1\nshort,,\n');
    expect((await imported(named)).code).toBe(0);
    expect(await events(2)).toEqual([
      { message: 'said "no",\nand left', actor: "dana", tenant_id: "t1" },
      { message: "short" },
    ]);
    const foreign = file("b.csv", "When,User,What\n2026-01-01T00:00:00Z,erin,=1+1\n");
    const columns = new Map([
      ["message", "What"],
      ["timestamp", "When"],
    ]);
    expect((await imported(foreign, { columns })).code).toBe(0);
    expect(await events(1)).toEqual([{ message: "=1+1", timestamp: "2026-01-01T00:00:00Z" }]);
    const ragged = file("c.csv", "message,actor\na\nb,c,d\nd,e\n");
    const { code, out } = await imported(ragged);
    expect([code, out]).toEqual([
      1,
      "line 2: event: expected 2 cells, as the header has, got 1\nline 3: event: expected 2 cells, as the header has, got 3\n",
    ]);
  });

  test("says in one sentence what it cannot read, and exits 2", async () => {
    for (const [path, flags, reason] of [
      [join(folder, "none.ndjson"), {}, "ENOENT"],
      [file("d.csv", "What\nx\n"), {}, 'no field is named "What": say with --columns'],
      [file("e.csv", "message\nx\n"), { columns: new Map([["actor", "User"]]) }, 'there is no column "User"'],
      [file("f.csv", ""), {}, "expected a header"],
      [file("g.csv", 'message\n"open\n'), {}, "g.csv: Quote Not Closed"],
      [file("h.ndjson", ""), { columns: new Map([["actor", "User"]]) }, "--columns is about CSV files only"],
    ] as const) {
      const { code, note } = await imported(path, flags);
      expect([code, note]).toEqual([2, expect.stringMatching(/^cannot import: [^\n]*$/)]);
      expect(note).toContain(reason);
    }
    expect(await imported(file("j.ndjson", `{"message":"${"x".repeat(9_000_000)}"}`))).toMatchObject({
      ...{ code: 2, note: expect.stringContaining("j.ndjson:1: a line of more than 8388608 bytes") as unknown },
    });
  });
});

describe("of an export of a Pangea log", () => {
  let pangea: TestGateway;
  let answer: Readonly<Record<string, unknown>> & { readonly events: readonly Readonly<Record<string, unknown>>[] };
  beforeAll(async () => {
    const service = await openTestService({ logs: [{ log: "default", format: "pangea" }] });
    pangea = await pangeaGateway(service, {});
    const logged: readonly SignedEvent[] = [
      { event: { message: "first", actor: "dana" } },
      { event: { message: { b: 1, a: "é" }, timestamp: "2026-01-01T00:00:00Z" } },
    ];
    await service.append({ log: "default", events: logged, sign: false, path: "events" });
    await service.append({ log: "default", events: [{ event: { message: "signed" } }], sign: true, path: "events" });
    const response = await fetch(`${pangea.url}/v1/search`, {
      ...{ method: "POST", headers: { "content-type": "application/json", authorization: "Bearer any" } },
      body: JSON.stringify({ query: "", order: "asc", verbose: true }),
    });
    answer = ((await response.json()) as { readonly result: typeof answer }).result;
  });
  afterAll(() => pangea.close());

  const from = "pangea-export";
  const RECEIVED = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
  const EXPECTED = [
    { message: "first", actor: "dana", timestamp: expect.stringMatching(RECEIVED) as unknown },
    { message: '{"a":"é","b":1}', timestamp: "2026-01-01T00:00:00Z" },
    { message: "signed" },
  ];

  test("it verifies and logs every event, of a search's response and of one event on each line", async () => {
    const response = file("response.json", JSON.stringify({ status: "Success", result: answer }, undefined, 2));
    expect(await imported(response, { from })).toMatchObject({ code: 0 });
    expect(await events(3)).toEqual(EXPECTED);
    const { root, unpublished_root } = answer;
    const artifacts = answer.events.map((event) => `${JSON.stringify({ ...event, root, unpublished_root })}\n`);
    expect(await imported(file("artifacts.jsonl", artifacts.join("")), { from })).toMatchObject({ code: 0 });
    expect(await events(3)).toEqual(EXPECTED);
    const { treeSize } = await gateway.service.root("default");
    const [signed] = await gateway.service.entries("default", [treeSize - 1]);
    const { signature } = answer.events[2]?.["envelope"] as { readonly signature: string };
    expect(signed?.kind === "entry" && signed.entry.envelope.signature).toBe(signature);
  });

  test("a document has its own bound, and not that of a line; a line keeps its own", async () => {
    const padded = { result: answer, padding: "x".repeat(9_000_000) };
    const whole = file("whole.json", JSON.stringify(padded));
    expect(await imported(whole, { from, dryRun: true })).toMatchObject({
      ...{ code: 0, note: expect.stringContaining("3 events can be imported") as unknown },
    });
    const [event] = answer.events;
    const long = JSON.stringify({ ...event, padding: padded.padding });
    const bound = expect.stringMatching(/line of (at most|more than) 8388608 bytes/) as unknown;
    for (const lines of [`${long}\n`, `${JSON.stringify(event)}\n${long}\n`]) {
      expect(await imported(file("long.jsonl", lines), { from })).toMatchObject({ code: 2, note: bound });
    }
    truncateSync(whole, 64 * 2 ** 20 + 1);
    expect(await imported(whole, { from })).toMatchObject({
      ...{ code: 2, note: expect.stringContaining("more than 67108864 bytes in one document") as unknown },
    });
  });

  test.each([
    ["event", { event: { message: "another" } }, "a hash that is that of the envelope"],
    ["time", { received_at: "2026-01-01T00:00:00.000000Z" }, "a hash that is that of the envelope"],
  ])("it refuses what was changed: the %s", async (_, change, expected) => {
    const [first, ...others] = answer.events;
    const changed = { ...first, envelope: { ...(first?.["envelope"] as object), ...change } };
    await expectRefused({ ...answer, events: [changed, ...others] }, `line 1: event: expected ${expected}, got `);
  });

  test("it refuses an event with another hash or proof than its own, and a root that no proof leads to", async () => {
    const [first, second, third] = answer.events;
    const hash = { ...first, envelope: second?.["envelope"], hash: second?.["hash"] };
    await expectRefused({ ...answer, events: [hash] }, "line 1: event: expected a proof that leads to the root");
    const proof = { ...first, membership_proof: third?.["membership_proof"] };
    await expectRefused(
      { ...answer, events: [third, proof] },
      "line 2: event: expected a proof that leads to the root",
    );
    const root = { ...(answer["root"] as object), root_hash: "00".repeat(32) };
    const other = { ...answer, root, unpublished_root: root };
    await expectRefused(other, "line 1: event: expected a proof that leads to the root");
  });

  async function expectRefused(result: object, line: string): Promise<void> {
    const before = await sizeOf();
    const { code, out } = await imported(file("forged.json", JSON.stringify({ result })), { from });
    expect([code, await sizeOf()]).toEqual([1, before]);
    expect(out).toContain(line);
  }
});

test("as a program, with the columns of a CSV file", async () => {
  const path = file("events.csv", "What,Who\nseen,dana\n");
  const args = ["import", path, "--url", `${gateway.url}/graphql`, "--columns", "message=What, actor=Who"];
  const { status, stderr } = await ended([process.execPath, MAIN, ...args]);
  expect([status, stderr]).toEqual([
    0,
    expect.stringMatching(/^1 events are in the log, at leaf indexes from \d+ to \d+\n$/),
  ]);
  expect(await events(1)).toEqual([{ message: "seen", actor: "dana" }]);
});
