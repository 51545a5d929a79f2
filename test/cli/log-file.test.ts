import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LogFlags } from "../../src/cli/log.js";
import { logEvents } from "../../src/cli/log-file.js";
import { openTestService } from "../engine/test-log.js";
import { MAIN } from "../gateway.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { recordedOutput } from "./recorded-output.js";

let gateway: TestGateway;
let url: string;
let folder: string;
beforeAll(async () => {
  gateway = await testGateway(await openTestService());
  url = `${gateway.url}/graphql`;
  folder = await mkdtemp(join(tmpdir(), "auditql-log-"));
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

async function logged(name: string, text: string, more: Partial<LogFlags> = {}) {
  const recorded = recordedOutput();
  const file = join(folder, name);
  await writeFile(file, text);
  const code = await logEvents(file, { url, ...more }, { token: undefined, output: recorded.output });
  return { code, lines: recorded.written().split("\n").slice(0, -1), note: recorded.notes() };
}

async function messageAt(leafIndex: number): Promise<unknown> {
  const [outcome] = await gateway.service.entries("default", [leafIndex]);
  return outcome?.kind === "entry" ? outcome.entry.envelope.event.message : outcome;
}

const size = async (): Promise<number> => (await gateway.service.root("default")).treeSize;

test("logs an event of a JSON document, of whatever layout, and a list of them", async () => {
  const event = { message: { text: "an object" }, actor: "dana", tenantId: "acme", new: [1, null] };
  const { code, lines, note } = await logged("event.json", JSON.stringify(event, null, 2), { sign: true });
  expect([code, lines, note]).toEqual([0, [expect.stringMatching(/^0 [0-9a-f]{64}$/)], ""]);
  const [outcome] = await gateway.service.entries("default", [0]);
  if (outcome?.kind !== "entry") throw new Error("nothing was logged");
  const { tenantId: tenant_id, ...others } = event;
  expect(outcome.entry.envelope.event).toEqual({ ...others, tenant_id });
  expect(outcome.entry.envelope.signature).toBeDefined();
  const list = await logged("list.JSON", JSON.stringify([{ message: "first" }, { message: "second" }]), { json: true });
  expect(list.lines.map((line) => (JSON.parse(line) as { leafIndex: number }).leafIndex)).toEqual([1, 2]);
});

test("logs each line, in order and over several requests, and prints a line for each", async () => {
  const before = await size();
  const text = Array.from({ length: 1_200 }, (_, i) => `{"message":"line ${i}"}\n`).join("\n");
  const { code, lines } = await logged("events.ndjson", text);
  expect([code, lines.length]).toEqual([0, 1_200]);
  expect(lines.map((line) => Number(line.split(" ")[0]))).toEqual(Array.from({ length: 1_200 }, (_, i) => before + i));
  expect([await messageAt(before), await messageAt(before + 1_199)]).toEqual(["line 0", "line 1199"]);
});

test("names what is no event, and logs the others", async () => {
  const before = await size();
  const good = [{ message: "good" }, { message: "good too" }];
  const bad = [
    "nonsense",
    "[]",
    '{"actor":"dana"}',
    '{"message":"m","actor":7}',
    '{"message":1e400}',
    `{"message":"${"x".repeat(300_000)}"}`,
  ];
  const text = [JSON.stringify(good[0]), ...bad, JSON.stringify(good[1])].join("\n");
  const { code, lines, note } = await logged("mixed.ndjson", text);
  expect([code, lines.length, await messageAt(before + 1)]).toEqual([1, 2, "good too"]);
  for (const line of [2, 3, 4, 5, 6, 7])
    expect(note).toMatch(new RegExp(`^line ${line}: event.*: expected .*, got `, "m"));
  expect(note).toMatch(/^6 of 8 events were refused$/m);
  expect((await logged("bad.ndjson", `{"message":"${"x".repeat(300_000)}"}`)).note).toMatch(/^line 1: event.*expected/);
  expect(await size()).toBe(before + 2);
});

test.each([
  ["no JSON", "bad.json", "{", {}, /bad\.json: expected JSON/],
  ["too large a document", "large.json", `[${" ".repeat(8 * 2 ** 20)}]`, {}, /large\.json: more than 8388608 bytes/],
  ["another log", "event.ndjson", '{"message":"m"}', { log: "nowhere" }, /nowhere/],
  ["no gateway's address", "event.ndjson", '{"message":"m"}', { url: "nowhere" }, /--url/],
])("exits 2 on %s, and logs nothing", async (...[, name, text, more, note]) => {
  const before = await size();
  expect(await logged(name, text, more)).toEqual({ code: 2, lines: [], note: expect.stringMatching(note) as unknown });
  expect(await size()).toBe(before);
});

test("logs what comes on standard input when it comes, not at its end", async () => {
  const child = spawn(process.execPath, [MAIN, "log", "--file", "-", "--url", url], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const printed = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => child.once("close", resolve));
  for (const message of ["one", "two", "three"]) {
    child.stdin.write(`${JSON.stringify({ message })}\n`);
    const { value } = (await printed.next()) as { readonly value: string };
    expect(await messageAt(Number(value.split(" ")[0]))).toBe(message);
  }
  child.stdin.end('{"message":"without a line break"}');
  const { value } = (await printed.next()) as { readonly value: string };
  expect([await messageAt(Number(value.split(" ")[0])), await ended]).toEqual(["without a line break", 0]);
});
