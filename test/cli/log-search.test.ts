import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { logEvent, type LogFlags } from "../../src/cli/log.js";
import { searchLog, type SearchFlags } from "../../src/cli/search.js";
import { openTestService } from "../engine/test-log.js";
import { MAIN } from "../gateway.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { recordedOutput } from "./recorded-output.js";
import { ended } from "./verifiers.js";

let gateway: TestGateway;
let url: string;
beforeAll(async () => {
  gateway = await testGateway(await openTestService());
  url = `${gateway.url}/graphql`;
});
afterAll(() => gateway.close());

async function logged(message: string, more: Partial<LogFlags> = {}) {
  const recorded = recordedOutput();
  const code = await logEvent(message, { url, ...more }, { token: undefined, output: recorded.output });
  return { code, out: recorded.written(), note: recorded.notes() };
}

async function found(query: string, more: Partial<SearchFlags> = {}) {
  const recorded = recordedOutput();
  const flags: SearchFlags = { url, limit: 100, order: "newest", style: "ndjson", ...more };
  const code = await searchLog(query, flags, { token: undefined, output: recorded.output });
  return { code, out: recorded.written(), note: recorded.notes() };
}

test("logs an event with every field that it is given, once under one key", async () => {
  const fields = { actor: "dana", action: "login", source: "10.0.0.1", status: "failed", target: "console" };
  const more = { tenantId: "t1", timestamp: "2026-01-01T00:00:00Z", old: "a", new: "b" };
  const first = await logged("signed in", { ...fields, ...more, sign: true, idempotencyKey: "once" });
  const [outcome] = await gateway.service.entries("default", [0]);
  if (outcome?.kind !== "entry") throw new Error("nothing was logged");
  const { hash, envelope } = outcome.entry;
  expect(first).toEqual({ code: 0, out: `0 ${hash}\n`, note: "" });
  const { tenantId: tenant_id, ...others } = more;
  expect(envelope.event).toEqual({ message: "signed in", ...fields, ...others, tenant_id });
  expect(envelope.signature).toBeDefined();
  expect(await logged("signed in", { ...fields, ...more, sign: true, idempotencyKey: "once" })).toEqual(first);
  const { out } = await logged("again", { json: true });
  expect(JSON.parse(out)).toMatchObject({ entry: { leafIndex: 1 }, root: { treeSize: 2 } });
  expect(await logged("")).toEqual({ code: 2, out: "", note: expect.stringMatching(/^cannot log: .*event\.message/) });
});

test("prints what is found, page by page, in each style", async () => {
  const events = Array.from({ length: 230 }, (_, i) => ({ event: { message: `counted ${i}`, actor: "erin" } }));
  await gateway.service.append({ log: "default", events, sign: false, path: "events" });
  const messages = (out: string) =>
    out
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { event: { message: string } }).event.message);
  const oldest = await found("actor:erin", { order: "oldest", limit: 1_000 });
  expect(messages(oldest.out)).toEqual(events.map(({ event }) => event.message));
  expect(messages((await found("actor:erin", { limit: 105 })).out)).toEqual(
    events
      .slice(-105)
      .reverse()
      .map(({ event }) => event.message),
  );
  const csv = (await found("counted", { style: "csv", limit: 150 })).out.split("\r\n");
  expect([csv.length, csv.filter((line) => line.startsWith("leafIndex,"))]).toEqual([152, [csv[0]]]);
  const table = (await found("counted", { style: "table", limit: 150 })).out.split("\n");
  expect([table.length, table[0], table[1]]).toEqual([
    152,
    expect.stringMatching(/^leafIndex {2}receivedAt {12}actor/),
    expect.stringMatching(/^231 {8}2026-\S*Z {2}erin {13}.*counted 229$/),
  ]);
  expect(await found("counted", { until: "2000-01-01T00:00:00Z" })).toEqual({
    code: 0,
    out: "",
    note: "nothing was found",
  });
});

test("shows on a terminal nothing that could rewrite it", async () => {
  await logged("evil \u001b[2J\u202e\n\u2028text", { actor: `\u001b${"x".repeat(40)}` });
  const { out } = await found("evil", { style: "table", limit: 1 });
  expect(out.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Zl}]/u);
  expect(out.split("\n")).toHaveLength(3);
  expect(out).toContain(`\ufffd${"x".repeat(14)}…  `);
});

test("ends quietly when nobody reads any more", async () => {
  const recorded = recordedOutput();
  const closed = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  const output = { ...recorded.output, write: () => Promise.reject(closed) };
  expect(await searchLog("", { url, limit: 100, order: "newest", style: "ndjson" }, { token: undefined, output })).toBe(
    0,
  );
  expect(recorded.notes()).toBe("");
});

test("says in one sentence why nothing is shown, and exits 2", async () => {
  for (const [query, flags, reason] of [
    ["(open", {}, "query"],
    ["", { since: "yesterday" }, "window.start"],
    ["", { log: "nope" }, 'There is no log "nope"'],
    ["", { url: "http://127.0.0.1:1/" }, "cannot be reached"],
  ] as const) {
    const { code, out, note } = await found(query, flags);
    expect([code, out, note]).toEqual([2, "", expect.stringMatching(/^cannot search: [^\n]*$/)]);
    expect(note).toContain(reason);
  }
});

test("as programs", async () => {
  const run = (...args: readonly string[]) => ended([process.execPath, MAIN, ...args, "--url", url]);
  expect(await run("log", "from a shell", "--tenant-id", "t9")).toMatchObject({ status: 0, stderr: "" });
  const { status, stdout } = await run("search", "tenantId:t9");
  expect([status, JSON.parse(stdout)]).toMatchObject([0, { event: { message: "from a shell", tenantId: "t9" } }]);
});
